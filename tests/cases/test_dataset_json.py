import json

import pytest

from lamina.cases.dataset_json import file_problems, never_found, read_declared, value_problems
from lamina.errors import DataError

FORMS = [
    ({"0": "background", "1": "liver"}, {0: "background", 1: "liver"}, None),
    ({"background": 0, "liver": 1}, {0: "background", 1: "liver"}, None),
    ({"background": "0", "liver": "1"}, {0: "background", 1: "liver"}, None),
    (["background", "liver"], {0: "background", 1: "liver"}, None),
    ({"background": 0, "liver": 1, "ignore": 2}, {0: "background", 1: "liver"}, 2),
    ({"0": "background", "1": "liver", "255": "Ignore"}, {0: "background", 1: "liver"}, 255),
    ({"background": 0, "1": 1}, {0: "background", 1: "1"}, None),
    ({"background": 0, "whole": [1, 2], "core": 2}, {0: "background", 2: "core"}, None),
    ({}, {}, None),
]


@pytest.mark.parametrize(("labels", "names", "ignore"), FORMS)
def test_forms_of_labels(tmp_path, labels, names, ignore):
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels}))
    declared = read_declared(tmp_path)
    assert (declared.names, declared.ignore) == (names, ignore)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"a": 1, "b": 1}, "two labels have the value 1"),
        ({"a": 1.5}, "label 'a' has the value 1.5"),
        ({"a": None}, "label 'a' has the value None"),
        ("liver", "labels is 'liver'"),
    ],
)
def test_other_forms_are_named(tmp_path, labels, words):
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels}))
    with pytest.raises(DataError, match=words):
        read_declared(tmp_path)


def test_values_are_held_against_the_files(tmp_path):
    text = {"labels": {"background": 0, "a": 1, "whole": [1, 2], "ignore": 9}}
    (tmp_path / "dataset.json").write_text(json.dumps(text))
    declared = read_declared(tmp_path)
    assert value_problems(declared, {0, 1, 2, 9}) == []
    assert (
        "the values 0, 1, 2, 9, but the label files hold 0, 4"
        in value_problems(declared, {0, 4})[0]
    )
    assert "declares a (1), which no label file holds" in never_found(declared, {0, 2})[0]


def test_files_and_channels_are_held_against_the_folder(tmp_path):
    (tmp_path / "imagesTr").mkdir()
    image = tmp_path / "imagesTr" / "a_0000.nii.gz"
    image.touch()
    content = {
        "channel_names": {"0": "T1", "1": "T2"},
        "training": [{"image": "./imagesTr/a.nii.gz"}, {"image": "./imagesTr/b.nii.gz"}],
        "numTraining": 2,
    }
    (tmp_path / "dataset.json").write_text(json.dumps(content))
    texts = list(file_problems(tmp_path, [str(image)], 1))
    assert len(texts) == 3
    assert "declares 2 channel(s), but the files have _0000" in texts[0]
    assert "lists ./imagesTr/b.nii.gz, which is not there" in texts[1]
    assert "numTraining 2, but 1 cases" in texts[2]
