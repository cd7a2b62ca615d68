"""Folders that are to be segmented."""

import numpy as np
import pytest

from lamina.cases.inputs import find_inputs
from lamina.errors import DataError
from lamina.readers.images import read_image


def test_one_file_is_one_case(tmp_path, write_nifti, volume):
    path = write_nifti(tmp_path / "scan.1.nii.gz", volume)
    (case,) = find_inputs(path).cases
    assert (case.name, case.image, case.label) == ("scan.1", str(path), None)


def test_the_name_of_one_file_is_safe(tmp_path, write_picture):
    (case,) = find_inputs(write_picture(tmp_path / "left eye #2.png")).cases
    assert case.name == "left_eye_2"


def test_a_folder_that_is_a_series_is_named_after_itself(tmp_path, write_series, volume):
    folder = write_series(tmp_path / "Study 1", volume, np.eye(4))
    (case,) = find_inputs(folder).cases
    assert (case.name, case.image) == ("Study_1", str(folder))


def test_a_folder_of_two_series_is_two_cases_that_can_be_read(tmp_path, write_series, volume):
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    for uid in ("1.2.3", "1.2.4"):
        names = [f"{z}-{uid}.dcm" for z in range(9)]
        write_series(tmp_path / "s", volume, affine, names=names, SeriesInstanceUID=uid)
    cases = find_inputs(tmp_path / "s").cases
    assert [case.name for case in cases] == ["s_1.2.3", "s_1.2.4"]
    for case in cases:
        assert read_image(case.image)[0].shape == (5, 7, 9)


def test_one_stem_in_two_formats_is_two_names(tmp_path, write_picture):
    for name in ("a.png", "a.jpg", "b.png"):
        write_picture(tmp_path / name)
    assert [case.name for case in find_inputs(tmp_path).cases] == ["a.jpg", "a.png", "b"]


def test_names_come_from_the_whole_path(tmp_path, write_picture):
    for name in ("P 1/left/scan.png", "P 2/left/scan.png"):
        write_picture(tmp_path / name)
    assert [case.name for case in find_inputs(tmp_path).cases] == ["P_1_left_scan", "P_2_left_scan"]


def test_masks_are_no_labels_here(tmp_path, write_picture):
    for name in ("images/a.png", "masks/a.png"):
        write_picture(tmp_path / name)
    cases = find_inputs(tmp_path).cases
    assert len(cases) == 2
    assert all(case.label is None and case.split is None for case in cases)


def test_what_is_left_out_is_named(tmp_path, write_picture, write_dicom):
    write_picture(tmp_path / "a.png")
    (tmp_path / "fake.dcm").write_text("text " * 100)
    write_dicom(tmp_path / "rt", np.zeros((3, 4), np.uint8), Rows=0)
    found = find_inputs(tmp_path)
    assert found.broken == ((f"{tmp_path}/fake.dcm", "named as DICOM, but its content is none"),)
    ((path, reason),) = found.skipped
    assert path == f"{tmp_path}/rt"
    assert reason.startswith("a DICOM object without an image")


def test_nothing_but_other_files_is_an_error_that_names_them(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DataError, match=r"no image\n.*notes\.txt(?s:.*)expected DICOM, "):
        find_inputs(tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError, match="none: no such file or folder"):
        find_inputs(tmp_path / "none")


def test_the_real_study_folders(data):
    found = find_inputs(data / "hippocampus_dicom")
    assert [case.name for case in found.cases] == [
        "Study1_13_HCropVolume",
        "Study2_14_HCropVolume",
        "Study3_11_HCropVolume",
    ]
    assert found.broken == found.skipped == ()
