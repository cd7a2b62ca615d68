import json

import numpy as np
import pytest

from lamina.cases.inputs import find_inputs
from lamina.errors import DataError, GeometryError, ReadError
from lamina.readers.images import read_grid, read_image


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


@pytest.fixture
def dynamic(tmp_path, write_nifti):
    """A folder with a volume, three time points of one beside it, and the time points' values."""
    times = np.arange(4 * 5 * 6 * 3, dtype=np.int16).reshape(4, 5, 6, 3)
    write_nifti(tmp_path / "in" / "dyn.nii.gz", times)
    write_nifti(tmp_path / "in" / "plain.nii.gz", times[..., 0])
    return tmp_path / "in", times


def test_each_time_point_is_a_case(dynamic):
    folder, times = dynamic
    cases = {case.name: case.image for case in find_inputs(folder).cases}
    assert list(cases) == ["dyn_t_1", "dyn_t_2", "dyn_t_3", "plain"]
    assert cases["dyn_t_2"] == f"{folder}/dyn.nii.gz#t:2"
    for number in range(3):
        assert np.array_equal(read_image(cases[f"dyn_t_{number + 1}"])[0], times[..., number])


@pytest.mark.parametrize("sign", ["#", "::"])
def test_a_file_with_time_points_or_one_of_them_can_be_named(dynamic, sign):
    file = dynamic[0] / "dyn.nii.gz"
    assert [case.name for case in find_inputs(file).cases] == ["dyn_t_1", "dyn_t_2", "dyn_t_3"]
    (one,) = find_inputs(f"{file}{sign}t:3").cases
    assert (one.name, one.image) == ("dyn_t_3", f"{file}#t:3")


def test_a_series_of_a_folder_can_be_named(tmp_path, write_series):
    for uid in ("1.2.3", "1.2.4"):
        write_series(
            tmp_path, np.zeros((4, 5, 3)), np.eye(4), [f"{uid}-{z}" for z in range(3)],
            SeriesInstanceUID=uid,
        )  # fmt: skip
    (case,) = find_inputs(f"{tmp_path}#1.2.4").cases
    assert read_grid(case.image).shape == (4, 5, 3)


@pytest.mark.parametrize("key", ["modality", "channel_names"])
@pytest.mark.parametrize("where", [".", ".."])
def test_channels_that_a_data_set_names_are_no_time_points(dynamic, key, where):
    folder, _ = dynamic
    about = folder / where / "dataset.json"
    about.write_text(json.dumps({key: {"0": "T1", "1": "T2", "2": "FLAIR"}}))
    for given in (folder, folder / "dyn.nii.gz"):
        found = find_inputs(given)
        reason = "its 3 volumes are channels by dataset.json, expected one channel"
        assert found.broken == ((str(folder / "dyn.nii.gz"), reason),)
        assert "dyn_t_1" not in [case.name for case in found.cases]


@pytest.mark.parametrize(
    "text", ['{"modality": {"0": "T1", "1": "T2"}}', "[1, 2]", "{broken", "{}", "[" * 9999]
)
def test_a_data_set_of_other_channels_says_nothing_of_time(dynamic, text):
    folder, _ = dynamic
    (folder / "dataset.json").write_text(text)
    assert len(find_inputs(folder).cases) == 4


def test_a_broken_file_is_a_case_that_says_what_is_wrong(tmp_path):
    (tmp_path / "a.nii.gz").write_bytes(b"no gzip")
    (case,) = find_inputs(tmp_path).cases
    with pytest.raises(ReadError, match=r"a\.nii\.gz: not a complete NIfTI file"):
        read_image(case.image)


def test_a_file_whose_time_points_lie_nowhere_is_a_case_that_says_so(tmp_path):
    fields = "NDims = 4\nDimSize = 2 2 2 2\nElementType = MET_UCHAR\nElementSpacing = 1 1 1 1\n"
    matrix = "TransformMatrix = 1 0 0 0.5 0 1 0 0 0 0 1 0 0 0 0 1\n"
    (tmp_path / "a.mha").write_bytes((fields + matrix + "ElementDataFile = LOCAL\n").encode())
    (case,) = find_inputs(tmp_path).cases
    with pytest.raises(GeometryError, match="mix space and time"):
        read_grid(case.image)
