"""The text that `lamina data` prints."""

import numpy as np
import pytest

from lamina.cases.describe import describe
from lamina.cases.find import find_cases
from lamina.tasks.labels import Label


def lines(text):
    return {line[:10].strip(): line[10:] for line in text.splitlines() if line[:1].isalpha()}


@pytest.fixture
def folder(tmp_path, write_picture):
    for number in range(40):
        write_picture(
            tmp_path / "images" / f"P{number // 2}_{number}.png", np.zeros((5, 7), np.uint8)
        )
        write_picture(
            tmp_path / "masks" / f"P{number // 2}_{number}.png", np.eye(5, 7, dtype=np.uint8)
        )
    return tmp_path


def test_each_line_says_what_was_found(folder):
    found = lines(describe(find_cases(folder, patient_pattern=r"^(P\d+)_")))
    assert found["folder"] == str(folder)
    assert found["layout"] == "images in images/, labels in masks/"
    assert found["images"] == "40 (40 .png)"
    assert found["size"] == "40 in 2D: 7 × 5"
    assert found["spacing"] == "unknown (pictures, in pixels)"
    assert found["labels"] == "40, with values 0, 1"
    assert found["patients"] == "20"
    assert found["split"].endswith("(by hash, seed 0)")
    assert found["problems"] == "none"


def test_ranges_and_mixed_dimensions(folder, write_nifti, volume):
    write_nifti(folder / "images" / "v.nii.gz", volume, np.diag([0.5, 0.6, 2.0, 1.0]))
    write_nifti(folder / "masks" / "v.nii.gz", volume % 2, np.diag([0.5, 0.6, 2.0, 1.0]))
    found = lines(describe(find_cases(folder)))
    assert found["images"] == "41 (40 .png, 1 .nii.gz)"
    assert found["size"] == "40 in 2D: 7 × 5; 1 in 3D: 5 × 7 × 9"
    assert found["spacing"] == "0.5 × 0.6 × 2 mm; unknown (pictures, in pixels)"


def test_problems_stand_below_with_short_paths(folder):
    (folder / "masks" / "P0_0.png").unlink()
    (folder / "images" / "P1_3.png").write_bytes(b"")
    text = describe(find_cases(folder))
    assert lines(text)["problems"] == "2"
    assert "- images/P0_0.png: an image without a label" in text
    assert "- images/P1_3.png: an empty file" in text
    assert lines(text)["labels"].endswith("images without one: 1")


def test_a_task_says_which_values_are_right(folder):
    labels = [Label(0, "background", (0, 0, 0)), Label(2, "lung", (0, 0, 9))]
    text = describe(find_cases(folder), labels)
    assert lines(text)["problems"] == "40"
    assert "values 1, expected 0, 2" in text
    assert "… and 20 more" in text
    assert lines(describe(find_cases(folder), labels, {"0": 0, "1": 2}))["problems"] == "none"


def test_the_folders_own_test_set_is_said(tmp_path, write_picture):
    for split, count in (("train", 30), ("test", 4)):
        for number in range(count):
            for part in ("images", "masks"):
                write_picture(tmp_path / split / part / f"{split}{number}.png")
    split = lines(describe(find_cases(tmp_path)))["split"]
    assert "4 test" in split
    assert split.endswith("(as the folders say)")


def test_a_patient_in_two_splits_is_a_problem(tmp_path, write_picture):
    for split in ("train", "test"):
        for part in ("images", "masks"):
            write_picture(tmp_path / split / part / f"P1_{split}.png")
    text = describe(find_cases(tmp_path, patient_pattern="^P1"))
    assert lines(text)["split"] == "none"
    assert "patient P1 is in two splits" in text


@pytest.mark.parametrize(
    ("folder_name", "expected"),
    [
        ("hippocampus", {"images": "204 (204 .nii.gz)", "labels": "204, with values 0, 1, 2"}),
        ("hippocampus_unpaired", {"labels": "none", "problems": "3"}),
        ("chest_xray", {"images": "44 (33 .jpg, 11 .png)", "labels": "none", "problems": "1"}),
        ("oct_layers", {"images": "4 (3 .png, 1 .bmp)", "problems": "1"}),
    ],
)
def test_real_data_sets(data, folder_name, expected):
    found = lines(describe(find_cases(data / folder_name)))
    assert {name: found[name] for name in expected} == expected


def test_classes_that_no_label_has_are_noted(tmp_path, write_picture):
    for name in ("a", "b", "c"):
        write_picture(tmp_path / "images" / f"{name}.png")
        mask = np.zeros((3, 4), np.uint8)
        mask[0] = 2
        write_picture(tmp_path / "masks" / f"{name}.png", mask)
    labels = [Label(value, name, (0, 0, 0)) for value, name in enumerate(("background", "x", "y"))]
    text = describe(find_cases(tmp_path), labels)
    assert "in no label: x (of 2 classes of the task)" in text
    assert "note" not in describe(find_cases(tmp_path))


def test_the_division_is_the_one_that_is_asked_for(tmp_path, write_picture):
    for number in range(20):
        write_picture(tmp_path / "images" / f"{number}.png")
        write_picture(tmp_path / "masks" / f"{number}.png", np.eye(3, 4, dtype=np.uint8))
    text = describe(find_cases(tmp_path), test_count=5, seed=3)
    assert "5 test (by hash, seed 3)" in text
    wrong = describe(find_cases(tmp_path), fractions=[1, 1, 1])
    assert "three shares that add up to 1" in wrong
