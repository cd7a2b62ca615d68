import numpy as np
import pytest

from lamina.cases.inputs import find_inputs
from lamina.errors import DataError


@pytest.fixture
def mixed(tmp_path, write_picture, write_series):
    root = tmp_path / "in"
    write_picture(root / "a.png")
    write_series(root / "deep" / "ct", np.zeros((4, 5, 3), np.int16), np.diag([1, 1, 4.0, 1]))
    (root / "empty.dcm").write_bytes(b"")
    (root / "text.dcm").write_text("no DICOM at all, but long enough to look at " * 9)
    (root / "notes.txt").write_text("notes")
    (root / ".hidden").write_text("left alone")
    return root


def test_every_file_is_in_one_of_the_lists(mixed):
    found = find_inputs(mixed)
    assert len(found.cases) == 2
    assert {path.rsplit("/", 1)[1]: why for path, why in found.broken} == {
        "empty.dcm": "an empty file",
        "text.dcm": "named as DICOM, but its content is none",
    }
    assert [path.rsplit("/", 1)[1] for path, _ in found.skipped] == ["notes.txt"]
    assert [item["case"] for item in found.items] == [case.name for case in found.cases]


def test_a_plane_is_chosen_and_the_others_are_told(mixed):
    found = find_inputs(mixed, plane="axial")
    assert [case.image for case in found.cases] == [str(mixed / "deep" / "ct")]
    assert ("plane is unknown, asked for axial") in [why for _, why in found.skipped]


def test_a_modality_that_is_not_there_leaves_nothing(mixed):
    assert find_inputs(mixed, modality="MR").cases == ()


def test_a_report_is_no_broken_image(real_data):
    found = find_inputs(real_data / "dicom")
    assert found.broken == ()
    assert [path.rsplit("/", 1)[1] for path, _ in found.skipped] == ["ct_liver_seg.dcm"]


def test_one_file_is_one_case(mixed):
    (case,) = find_inputs(mixed / "a.png").cases
    assert case.name == "a"


def test_nothing_there_and_nothing_in_it(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        find_inputs(tmp_path / "none")
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(DataError, match="no image\n.*notes.txt"):
        find_inputs(tmp_path)


def test_a_folder_with_a_colon_in_its_name_is_told_whole(tmp_path, write_dicom):
    folder = tmp_path / "Study 1: head"
    write_dicom(folder / "seg.dcm", np.zeros((3, 4), np.uint8), Rows=0)
    write_dicom(folder / "ct: 1.dcm", np.zeros((3, 4), np.uint8), PixelSpacing=[1, 2, 3])
    (folder / "a.png").write_bytes(b"")
    found = find_inputs(tmp_path)
    assert [path for path, _ in found.broken] == [str(folder / "ct: 1.dcm")]
    assert [path for path, _ in found.skipped] == [str(folder / "seg.dcm")]
