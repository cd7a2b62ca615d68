"""CSV and JSON lists."""

import json

import pytest

from lamina.cases.lists import find_list, read_list
from lamina.errors import DataError


@pytest.fixture
def folder(tmp_path, write_picture):
    for name in ("images/a.png", "images/b.png", "masks/a.png", "masks/b.png"):
        write_picture(tmp_path / name)
    return tmp_path


def write(folder, text, name="cases.csv"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_a_csv_list(folder):
    cases, problems = read_list(
        write(folder, "image,label\nimages/a.png,masks/a.png\nimages/b.png,masks/b.png\n")
    )
    assert problems == []
    assert [case.name for case in cases] == ["a", "b"]
    assert cases[0].image == str(folder / "images/a.png")
    assert cases[0].label == str(folder / "masks/a.png")
    assert (cases[0].patient, cases[0].split) == ("a", None)


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_spreadsheets_write(folder, start, end):
    lines = ["image;label;patient;split", "images/a.png;masks/a.png;P 1;Train", ""]
    (case,), problems = read_list(write(folder, start + end.join(lines)))
    assert problems == []
    assert (case.patient, case.split) == ("P 1", "training")


def test_a_json_list(folder):
    rows = [
        {"image": "images/a.png", "label": "masks/a.png", "patient": 7, "split": "val"},
        {"image": "images/b.png", "label": None},
    ]
    (a, b), problems = read_list(write(folder, json.dumps(rows), "cases.json"))
    assert problems == []
    assert (a.patient, a.split) == ("7", "validation")
    assert b.label is None


def test_absolute_paths_are_taken_as_they_are(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("lists")
    text = f"image,label\n{folder}/images/a.png,{folder}/masks/a.png\n"
    (case,), problems = read_list(write(elsewhere, text))
    assert problems == []
    assert case.image == f"{folder}/images/a.png"


def test_a_series_may_be_named_by_folder_or_uid(folder, write_series, volume, oblique):
    write_series(folder / "dicom" / "s", volume, oblique)
    text = "image,label\ndicom/s,masks/a.png\ndicom/s#1.2.3,masks/b.png\n"
    cases, problems = read_list(write(folder, text))
    assert problems == []
    assert cases[1].image == f"{folder}/dicom/s#1.2.3"


def test_missing_files_are_named_and_the_rest_stays(folder):
    text = "image,label\nimages/a.png,masks/none.png\nimages/b.png,masks/b.png\n"
    cases, problems = read_list(write(folder, text))
    assert [case.name for case in cases] == ["b"]
    assert problems == [f"{folder}/cases.csv: masks/none.png is missing\n  → correct the line"]


def test_an_image_that_stands_twice_is_named_once(folder):
    text = "image,label\n" + "images/a.png,masks/a.png\n" * 2
    cases, problems = read_list(write(folder, text))
    assert cases == []
    assert problems == [f"{folder}/cases.csv: images/a.png stands 2 times\n  → keep one line"]


def test_same_names_in_different_folders_are_told_apart(folder, write_picture):
    write_picture(folder / "train/a.png")
    write_picture(folder / "test/a.png")
    text = "image,label,split\ntrain/a.png,masks/a.png,train\ntest/a.png,masks/a.png,test\n"
    cases, _ = read_list(write(folder, text))
    assert len({case.name for case in cases}) == 2


def test_an_unknown_split_is_refused(folder):
    text = "image,label,split\nimages/a.png,masks/a.png,fit\n"
    with pytest.raises(DataError, match=r"cases\.csv: split 'fit', expected one of train"):
        read_list(write(folder, text))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cases.csv", "file,mask\na,b\n"),
        ("cases.csv", "image,label\n,masks/a.png\n"),
        ("cases.json", '[{"image": "a.png"}]'),
        ("cases.json", '{"image": "a.png", "label": "b.png"}'),
        ("cases.json", '[["a.png", "b.png"]]'),
    ],
)
def test_other_tables_are_refused(folder, name, text):
    with pytest.raises(DataError, match=f"{name}: expected an image and a label"):
        read_list(write(folder, text, name))


@pytest.mark.parametrize("text", ["{", "\xff\xfe"])
def test_what_is_no_json_is_refused(folder, text):
    with pytest.raises(DataError, match=r"cases\.json: not a list of cases"):
        read_list(write(folder, text, "cases.json"))


def test_the_list_in_a_folder_is_found_among_other_tables(folder):
    write(folder, "image,view,licence\nimages/a.png,PA,CC BY\n", "licences.csv")
    write(folder, '{"name": "Set", "training": []}', "dataset.json")
    assert find_list(folder) is None
    path = write(folder, "image,label\nimages/a.png,masks/a.png\n")
    assert find_list(folder) == path
    assert find_list(path) == path


def test_two_lists_are_one_too_many(folder):
    for name in ("a.csv", "b.csv"):
        write(folder, "image,label\nimages/a.png,masks/a.png\n", name)
    with pytest.raises(DataError, match=r"2 lists of cases: a\.csv, b\.csv"):
        find_list(folder)


def test_a_line_without_the_patient_that_others_have_is_told(folder):
    text = "image,label,patient\nimages/a.png,masks/a.png,P1\nimages/b.png,masks/b.png,\n"
    cases, problems = read_list(write(folder, text))
    assert [case.patient for case in cases] == ["P1", "b"]
    (problem,) = problems
    assert "images/b.png has no patient, so it counts as a patient of its own" in problem
