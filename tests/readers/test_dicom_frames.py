"""Multi-frame objects, and series of one UID that hold several images."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from tests.scan_files import dicom_file

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


def write_enhanced(path, voxels, affine, **elements):
    """Write frames (x, y, n) as one enhanced MR file whose frames lie where a RAS+ affine says."""
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    shared, frames = Dataset(), []
    orientation, measures = Dataset(), Dataset()
    orientation.ImageOrientationPatient = [*(lps[:3, :2] / spacing[:2]).T.ravel().round(9)]
    measures.PixelSpacing, measures.SliceThickness = [spacing[1], spacing[0]], spacing[2]
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    for z in range(voxels.shape[2]):
        position, frame = Dataset(), Dataset()
        position.ImagePositionPatient = [*(lps @ [0, 0, z, 1])[:3].round(6)]
        frame.PlanePositionSequence = [position]
        frames.append(frame)
    image = dicom_file(path, voxels[..., 0].T, SeriesInstanceUID="1.2.3", **elements)
    image.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
    image.NumberOfFrames = voxels.shape[2]
    image.SharedFunctionalGroupsSequence = [shared]
    image.PerFrameFunctionalGroupsSequence = frames
    image.PixelData = np.ascontiguousarray(voxels.T).tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save_as(path)


def cut(affine, first):
    """Return the affine of the slices from ``first`` on."""
    moved = affine.copy()
    moved[:, 3] = affine @ [0, 0, first, 1]
    return moved


@pytest.mark.parametrize("sizes", [[1, 1, 1, 1], [2, 2], [1, 3], [3, 1]])
@pytest.mark.parametrize("turned", [False, True])
def test_frames_of_several_files_are_one_volume(tmp_path, volume, oblique, sizes, turned):
    """One frame a file, as many scanners store them, and the files of a concatenation."""
    affine = oblique @ np.diag([1, -1, 1, 1]) if turned else np.diag([-0.5, -0.25, 3.0, 1])
    first = 0
    together = {} if set(sizes) == {1} else {"ConcatenationUID": "1.2.9"}
    for number, size in enumerate(sizes):
        part = volume[..., first : first + size]
        # Names in another order than the slices.
        name = f"{9 - number}.dcm"
        write_enhanced(tmp_path / "s" / name, part, cut(affine, first), **together)
        first += size
    (source,) = find_images(tmp_path / "s").sources
    values, grid = read_image(source)
    np.testing.assert_allclose(grid.affine, affine, atol=1e-5)
    np.testing.assert_array_equal(values, volume)


def test_files_of_several_frames_are_each_a_volume(tmp_path, volume):
    for name in "ab":
        write_enhanced(tmp_path / f"{name}.dcm", volume, AFFINE)
    found = find_images(tmp_path).sources
    assert found == (str(tmp_path / "a.dcm"), str(tmp_path / "b.dcm"))
