"""Multi-frame objects, and series of one UID that hold several images."""

import numpy as np
import pytest

from lamina.cases.find import find_images
from lamina.readers.dicom_series import find_series
from lamina.readers.images import read_grid, read_image

AFFINE = np.array([[0, -0.6, 0, 9], [0.5, 0, 0, -7], [0, 0, 3.0, 11], [0, 0, 0, 1.0]])


def test_a_multi_frame_file_equals_its_single_files(real_data):
    folder = real_data / "dicom" / "ct_tiny"
    single, multi = (find_images(folder / name).sources for name in ("image", "multiframe"))
    (one,), (other,) = single, multi
    values, grid = read_image(one)
    frames, same = read_image(other)
    np.testing.assert_allclose(frames, values)
    np.testing.assert_allclose(same.affine, grid.affine, atol=1e-4)
    assert read_grid(other).shape == grid.shape


@pytest.fixture
def volume():
    return np.random.default_rng(1).integers(0, 900, (5, 7, 4)).astype(np.int16)


def test_two_planes_of_one_uid_are_two_images(tmp_path, write_series, volume):
    sagittal = AFFINE[[2, 1, 0, 3]]
    write_series(tmp_path / "s", volume, AFFINE)
    write_series(tmp_path / "s", volume[:, :, :3], sagittal, names=["a", "b", "c"])
    series, problems = find_series((tmp_path / "s").iterdir())
    assert problems == []
    assert sorted(len(one.slices) for one in series) == [3, 4]
    assert {one.address.rsplit("#")[1] for one in series} == {"1.2.3:1", "1.2.3:2"}
    shapes = {read_image(one.address)[0].shape for one in series}
    assert shapes == {(5, 7, 4), (5, 7, 3)}


@pytest.mark.parametrize("element", ["TemporalPositionIdentifier", "DiffusionBValue", "EchoTime"])
def test_time_points_of_one_uid_are_images_of_their_own(tmp_path, write_series, volume, element):
    folder = tmp_path / "s"
    for moment in (2, 1):
        names = [f"{moment}-{z}" for z in range(4)]
        write_series(folder, volume + moment, AFFINE, names=names, **{element: moment})
    series, _ = find_series(folder.iterdir())
    assert [len(one.slices) for one in series] == [4, 4]
    for number, one in enumerate(series, start=1):
        assert one.address == f"{folder}#1.2.3:{number}"
        np.testing.assert_array_equal(read_image(one.address)[0], volume + number)


def test_moments_divide_only_what_lies_at_one_position(tmp_path, write_series, volume):
    changes = {z: {"AcquisitionTime": f"1200{z:02}"} for z in range(4)}
    folder = write_series(tmp_path / "s", volume, AFFINE, changes=changes)
    (one,) = find_series(folder.iterdir())[0]
    assert one.address == str(folder)
