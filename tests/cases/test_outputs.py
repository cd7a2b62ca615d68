"""What Lamina wrote is no input, and a new file renames no case that is done."""

import json
from pathlib import Path

import numpy as np
import pytest

from lamina.cases.find import find_cases
from lamina.cases.inputs import find_inputs
from lamina.errors import ConfigError


def keep_record(output, case, files):
    folder = output / ".cases"
    folder.mkdir(parents=True, exist_ok=True)
    record = {"case": case, "input": {"files": [str(file) for file in files]}}
    (folder / f"{case}.json").write_text(json.dumps(record))


def names(root, output=None):
    return {case.image: case.name for case in find_inputs(root, output_dir=output).cases}


@pytest.mark.parametrize("place", ["out", "deep/er/out"])
@pytest.mark.parametrize("later", [False, True])
def test_an_output_folder_inside_is_never_input(tmp_path, write_picture, place, later):
    """Named with -o, or known by its records in any later run."""
    write_picture(tmp_path / "a.png")
    write_picture(tmp_path / place / "mask.png")
    if later:
        keep_record(tmp_path / place, "mask", [])
    output = tmp_path / "elsewhere" if later else tmp_path / place
    assert list(names(tmp_path, output)) == [str(tmp_path / "a.png")]
    assert later == (list(names(tmp_path)) == [str(tmp_path / "a.png")])


def test_an_output_folder_that_a_link_leads_to_is_no_input(tmp_path, write_picture):
    root, output = tmp_path / "in", tmp_path / "out"
    write_picture(root / "a.png")
    write_picture(output / "mask.png")
    (root / "link").symlink_to(output)
    assert list(names(root, output)) == [str(root / "a.png")]


def test_the_input_folder_itself_is_refused_as_output(tmp_path, write_picture):
    write_picture(tmp_path / "a.png")
    with pytest.raises(ConfigError, match="input folder and output folder are the same"):
        find_inputs(tmp_path, output_dir=f"{tmp_path}/../{tmp_path.name}")


def test_a_run_inside_a_data_set_is_no_part_of_it(tmp_path, write_picture):
    for folder in ("images", "masks"):
        write_picture(tmp_path / folder / "a.png")
    write_picture(tmp_path / "run" / "evaluation" / "labels" / "a.png")
    for name in ("run.json", "splits.json"):
        (tmp_path / "run" / name).write_text("{}")
    found = find_cases(tmp_path)
    assert [case.name for case in found.cases] == ["a"]
    assert found.problems == ()


def test_a_folder_of_results_can_be_looked_at_by_itself(tmp_path, write_picture):
    write_picture(tmp_path / "mask.png")
    keep_record(tmp_path, "mask", [])
    assert list(names(tmp_path).values()) == ["mask"]


@pytest.mark.parametrize("suffix", ["nii.gz", "jpg", "tif"])
def test_a_new_file_of_a_name_renames_no_other(tmp_path, write_picture, suffix):
    root, output = tmp_path / "in", tmp_path / "out"
    first = write_picture(root / "a.png")
    assert names(root, output) == {str(first): "a"}
    keep_record(output, "a", [first])
    (root / f"a.{suffix}").write_bytes(b"x")
    assert names(root, output) == {str(first): "a", str(root / f"a.{suffix}"): f"a.{suffix}"}


def test_a_new_series_beside_another_renames_none(tmp_path, write_series):
    root, output = tmp_path / "in", tmp_path / "out"
    voxels, affine = np.zeros((4, 5, 3), np.int16), np.diag([1, 1, 4.0, 1])
    write_series(root / "ct", voxels, affine, names=["a", "b", "c"])
    (first,) = find_inputs(root, output_dir=output).cases
    keep_record(output, first.name, first.image.files)
    write_series(root / "ct", voxels, affine, names=["d", "e", "f"], SeriesInstanceUID="9.8.7")
    found = {
        Path(case.image.files[0]).name: case.name
        for case in find_inputs(root, output_dir=output).cases
    }
    assert found["a"] == first.name
    assert found["d"] != first.name


def test_a_name_goes_to_one_case_only(tmp_path, write_picture):
    """The record's name is that of another file now, which keeps it."""
    root, output = tmp_path / "in", tmp_path / "out"
    old, new = write_picture(root / "b.png"), write_picture(root / "a.png")
    keep_record(output, "a", [old])
    assert names(root, output) == {str(new): "a", str(old): "b"}


def test_broken_records_are_no_end(tmp_path, write_picture):
    root, output = tmp_path / "in", tmp_path / "out"
    path = write_picture(root / "a.png")
    (output / ".cases").mkdir(parents=True)
    for number, text in enumerate(
        ("{", "[]", "{}", '{"case": "x", "input": {"files": 3}}', "[" * 99999)
    ):
        (output / ".cases" / f"{number}.json").write_text(text)
    assert names(root, output) == {str(path): "a"}
