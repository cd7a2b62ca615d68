"""Series from headers: what is DICOM, what is an image, what belongs together."""

import numpy as np
import pytest

from lamina.errors import ReadError
from lamina.readers.dicom_series import find_series, is_dicom, read_slices

PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
PLACED = {
    "ImagePositionPatient": [1, 2, 3],
    "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
    "PixelSpacing": [0.5, 0.25],
    "SliceThickness": 2,
}


def read_slice(path):
    (only,) = read_slices(path)
    return only


def test_dicom_is_known_by_content_not_by_name(tmp_path, write_dicom):
    assert is_dicom(write_dicom(tmp_path / "a.jpg.txt", PIXELS))
    (tmp_path / "a.dcm").write_text("text " * 100)
    assert not is_dicom(tmp_path / "a.dcm")


@pytest.mark.parametrize("size", [0, 1, 131, 132])
def test_short_files_are_not_dicom(tmp_path, size):
    (tmp_path / "a.dcm").write_bytes(b"x" * size)
    assert not is_dicom(tmp_path / "a.dcm")


def test_a_data_set_without_preamble_is_dicom(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", PIXELS, **PLACED)
    path.write_bytes(path.read_bytes()[132:])
    assert is_dicom(path)
    assert read_slice(path).size == (4, 3)


def test_a_slice_knows_its_place(tmp_path, write_dicom):
    one = read_slice(write_dicom(tmp_path / "a.dcm", PIXELS, SeriesInstanceUID="1.2", **PLACED))
    assert one.uid == "1.2"
    assert one.size == (4, 3)
    assert one.position.tolist() == [1, 2, 3]
    assert one.orientation.tolist() == [1, 0, 0, 0, 1, 0]
    assert one.spacing.tolist() == [0.5, 0.25]
    assert one.thickness.tolist() == [2]


def test_what_the_header_lacks_is_none(tmp_path, write_dicom):
    one = read_slice(write_dicom(tmp_path / "a.dcm", PIXELS))
    assert (one.uid, one.position, one.orientation) == ("", None, None)
    assert (one.spacing, one.thickness) == (None, None)


def test_empty_elements_count_as_absent(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", PIXELS, **dict.fromkeys(PLACED, ""))
    assert read_slice(path).position is None


def test_the_spacing_of_an_x_ray_may_be_that_of_its_detector(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", PIXELS, ImagerPixelSpacing=[0.2, 0.1])
    assert read_slice(path).spacing.tolist() == [0.2, 0.1]
    path = write_dicom(
        tmp_path / "b.dcm", PIXELS, ImagerPixelSpacing=[0.2, 0.1], PixelSpacing=[0.4, 0.3]
    )
    assert read_slice(path).spacing.tolist() == [0.4, 0.3]


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("ImagePositionPatient", [1, 2]), ("PixelSpacing", [1, 2, 3])],
)
def test_a_wrong_count_of_numbers_is_refused(tmp_path, write_dicom, keyword, value):
    path = write_dicom(tmp_path / "a.dcm", PIXELS, **PLACED | {keyword: value})
    with pytest.raises(ReadError, match=rf"a\.dcm: its DICOM header can't be read \({keyword}"):
        read_slice(path)


@pytest.mark.parametrize("changes", [{"SOPClassUID": SEGMENTATION}, {"Rows": 0}, {"Columns": None}])
def test_objects_without_an_image_are_refused(tmp_path, write_dicom, changes):
    path = write_dicom(tmp_path / "a.dcm", PIXELS, **changes)
    with pytest.raises(ReadError, match=r"a\.dcm: a DICOM object without an image"):
        read_slice(path)


def test_frames_without_a_place_are_refused(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", PIXELS, NumberOfFrames=3)
    with pytest.raises(ReadError, match=r"a\.dcm: 3 frames that do not say where they lie"):
        read_slice(path)


def test_one_series_has_its_folder_as_address(tmp_path, write_series, volume, oblique):
    folder = write_series(tmp_path / "s", volume, oblique)
    (series,), problems = find_series(folder.iterdir())
    assert series.address == str(folder)
    assert len(series.slices) == 9
    assert problems == []


def test_two_series_have_their_uids_as_address(tmp_path, write_series, volume, oblique):
    for uid in ("1.2.3", "1.2.4"):
        names = [f"{z}-{uid}.dcm" for z in range(9)]
        write_series(tmp_path / "s", volume, oblique, names=names, SeriesInstanceUID=uid)
    series, _ = find_series((tmp_path / "s").iterdir())
    assert [one.address for one in series] == [f"{tmp_path / 's'}#1.2.3", f"{tmp_path / 's'}#1.2.4"]
    assert [len(one.slices) for one in series] == [9, 9]


def test_images_without_a_position_are_one_case_each(tmp_path, write_dicom):
    paths = [write_dicom(tmp_path / name, PIXELS, SeriesInstanceUID="1.2") for name in ("a", "b")]
    series, _ = find_series(paths)
    assert [one.address for one in series] == [str(path) for path in paths]


def test_what_is_no_image_is_named_beside_the_series(tmp_path, write_series, write_dicom, volume):
    folder = write_series(tmp_path / "s", volume, np.eye(4))
    write_dicom(folder / "seg.dcm", PIXELS, SOPClassUID=SEGMENTATION)
    (series,), problems = find_series(folder.iterdir())
    assert len(series.slices) == 9
    assert len(problems) == 1
    assert "seg.dcm: a DICOM object without an image (Segmentation Storage)" in problems[0].text


def test_the_order_of_files_does_not_matter(tmp_path, write_series, volume, oblique):
    files = sorted(write_series(tmp_path / "s", volume, oblique).iterdir())
    forth, back = find_series(files)[0], find_series(files[::-1])[0]
    assert [one.path for one in forth[0].slices] == [one.path for one in back[0].slices]


def test_real_folders(data):
    found = {}
    for folder in sorted((data / "dicom").rglob("*")):
        if folder.is_dir():
            files = [path for path in folder.iterdir() if path.is_file() and is_dicom(path)]
            series, problems = find_series(files)
            found[folder.name] = ([len(one.slices) for one in series], len(problems))
    assert found["ct_jpeg2000"] == ([20], 0)
    assert found["ct_liver"] == ([3], 0)
    assert found["image"] == ([3], 0)
    assert found["multiframe"] == ([3], 0)
    assert found["t2tsetra"] == ([19], 0)
