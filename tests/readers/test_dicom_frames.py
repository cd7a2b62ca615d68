"""Multi-frame objects, and series of one UID that hold several images."""

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import (
    NuclearMedicineImageStorage,
    UltrasoundMultiFrameImageStorage,
    XRayAngiographicImageStorage,
)
from tests.scan_files import dicom_file

from lamina.cases.find import find_images
from lamina.errors import ReadError
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


def write_enhanced(path, voxels, affine, order=None, **elements):
    """Write frames (x, y, n) as one enhanced MR file whose frames lie where a RAS+ affine says.

    ``order`` is the one in which the frames are stored.
    """
    order = list(range(voxels.shape[2])) if order is None else order
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    shared, frames = Dataset(), []
    orientation, measures = Dataset(), Dataset()
    orientation.ImageOrientationPatient = [*(lps[:3, :2] / spacing[:2]).T.ravel().round(9)]
    measures.PixelSpacing, measures.SliceThickness = [spacing[1], spacing[0]], spacing[2]
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    for z in order:
        position, frame = Dataset(), Dataset()
        position.ImagePositionPatient = [*(lps @ [0, 0, z, 1])[:3].round(6)]
        frame.PlanePositionSequence = [position]
        frames.append(frame)
    image = dicom_file(path, voxels[..., 0].T, SeriesInstanceUID="1.2.3", **elements)
    image.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
    image.NumberOfFrames = voxels.shape[2]
    image.SharedFunctionalGroupsSequence = [shared]
    image.PerFrameFunctionalGroupsSequence = frames
    image.PixelData = np.ascontiguousarray(voxels.T[order]).tobytes()
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


@pytest.fixture
def cine(tmp_path, write_dicom):
    """Writer of frames (rows, columns[, 3]) that do not say where they lie."""

    def write(frames, name="cine.dcm", **elements):
        elements = {"SOPClassUID": UltrasoundMultiFrameImageStorage, "Modality": "US"} | elements
        pixels = {"PixelData": frames.tobytes(), "NumberOfFrames": len(frames)}
        return write_dicom(tmp_path / name, frames[0], **pixels, **elements)

    return write


def grey_frames(count=4):
    return np.random.default_rng(2).integers(0, 900, (count, 7, 5)).astype(np.uint16)


def test_each_frame_of_a_cine_loop_is_a_picture(cine):
    frames = grey_frames()
    path = cine(frames)
    sources = find_images(path.parent).sources
    assert sources == tuple(f"{path}#frames:{number}" for number in (1, 2, 3, 4))
    for frame, source in zip(frames, sources, strict=True):
        for address in (source, str(source)):
            values, grid = read_image(address)
            np.testing.assert_array_equal(values, frame.T)
            assert (grid.shape, grid.unit) == ((5, 7), "px")


def test_frames_of_a_cine_loop_in_colours_become_grey(cine):
    frames = np.random.default_rng(3).integers(0, 255, (3, 7, 5, 3)).astype(np.uint8)
    source = find_images(cine(frames).parent).sources[1]
    values, _ = read_image(source)
    assert values == pytest.approx((frames[1] @ [0.299, 0.587, 0.114]).T, abs=1)


@pytest.mark.parametrize("element", ["PixelSpacing", "ImagerPixelSpacing"])
def test_a_frame_has_the_spacing_that_its_header_says_and_no_depth(cine, element):
    elements = {"SOPClassUID": XRayAngiographicImageStorage, element: [0.4, 0.3]}
    # A place of the whole file, a thickness and a distance say nothing of a single frame.
    elements |= {"SliceThickness": 2.0, "SpacingBetweenSlices": 3.0}
    elements |= {"ImagePositionPatient": [0, 0, 0], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
    grid = read_grid(find_images(cine(grey_frames(), **elements).parent).sources[0])
    assert (grid.shape, grid.unit) == ((5, 7), "mm")
    assert grid.spacing == pytest.approx((0.3, 0.4))


def test_only_the_wanted_frame_is_decoded(cine, monkeypatch):
    source = find_images(cine(grey_frames()).parent).sources[2]
    monkeypatch.setattr(FileDataset, "pixel_array", "all frames")
    np.testing.assert_array_equal(read_image(source)[0], grey_frames()[2].T)


def test_a_cine_loop_without_a_frame_named_is_refused_with_what_to_do(cine):
    path = cine(grey_frames())
    with pytest.raises(ReadError, match=r"name one of them: .*cine\.dcm#frames:1, "):
        read_image(str(path))


def test_a_tomogram_of_which_only_the_first_slice_has_a_place_is_refused_by_name(cine):
    elements = {"SOPClassUID": NuclearMedicineImageStorage, "SpacingBetweenSlices": 4.0}
    path = cine(grey_frames(), ImageType=["ORIGINAL", "PRIMARY", "RECON TOMO"], **elements)
    (file,) = find_images(path.parent).unread
    assert file.reason.startswith("4 slices of a nuclear medicine tomogram")
    static = cine(grey_frames(), "b.dcm", ImageType=["ORIGINAL", "PRIMARY", "STATIC"], **elements)
    assert len(find_images(static.parent).sources) == 4


def write_planes(path, frames, placed):
    """Write frames of which each has the affine of its plane (None: no place)."""
    write_enhanced(path, np.stack([frame.T for frame in frames], axis=-1), AFFINE)
    image = dcmread(path)
    for group, affine in zip(image.PerFrameFunctionalGroupsSequence, placed, strict=True):
        if affine is None:
            del group.PlanePositionSequence
            continue
        lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
        spacing = np.linalg.norm(lps[:3, :3], axis=0)
        orientation, measures = Dataset(), Dataset()
        orientation.ImageOrientationPatient = [*(lps[:3, :2] / spacing[:2]).T.ravel().round(9)]
        measures.PixelSpacing, measures.SliceThickness = [spacing[1], spacing[0]], spacing[2]
        group.PlaneOrientationSequence, group.PixelMeasuresSequence = [orientation], [measures]
        group.PlanePositionSequence[0].ImagePositionPatient = [*lps[:3, 3].round(6)]
    del image.SharedFunctionalGroupsSequence
    image.save_as(path)


@pytest.mark.parametrize("turned", [False, True])
def test_two_geometries_in_one_file_are_two_volumes(tmp_path, oblique, turned):
    frames, second = grey_frames(7), oblique if turned else AFFINE @ np.diag([2, 2, 1, 1.0])
    placed = [cut(AFFINE, z) for z in range(4)] + [cut(second, z) for z in range(3)]
    # Stored one after the other's slices.
    order = [0, 4, 1, 5, 2, 6, 3]
    write_planes(tmp_path / "a.dcm", frames[order], [placed[at] for at in order])
    sources = find_images(tmp_path).sources
    assert sorted(sources) == [f"{tmp_path}/a.dcm#frames:{number}" for number in (1, 2)]
    found = {read_grid(source).shape[2]: read_image(source) for source in sources}
    for count, first, affine in ((4, 0, AFFINE), (3, 4, second)):
        values, grid = found[count]
        down = grid.affine[:3, 2] @ affine[:3, 2] < 0  # slices are ordered along their normal
        expected = np.moveaxis(frames[first : first + count], 0, -1).swapaxes(0, 1)
        np.testing.assert_array_equal(values, expected[..., ::-1] if down else expected)
        start = cut(affine, count - 1) if down else affine
        np.testing.assert_allclose(grid.affine[:3, 3], start[:3, 3], atol=1e-4)


def test_a_localizer_is_one_image_a_plane(tmp_path):
    planes = [AFFINE, AFFINE[[2, 1, 0, 3]], AFFINE[[0, 2, 1, 3]]]
    write_planes(tmp_path / "a.dcm", grey_frames(3), planes)
    grids = [read_grid(source) for source in find_images(tmp_path).sources]
    assert [grid.shape for grid in grids] == [(5, 7, 1)] * 3
    assert [grid.spacing[2] for grid in grids] == pytest.approx([3.0] * 3)


def test_frames_without_a_place_beside_a_volume_are_pictures(tmp_path):
    frames = grey_frames(4)
    write_planes(tmp_path / "a.dcm", frames, [AFFINE, None, cut(AFFINE, 1), None])
    sources = find_images(tmp_path).sources
    assert sources == tuple(f"{tmp_path}/a.dcm#frames:{number}" for number in (1, 2, 3))
    shapes = [read_image(source)[0].shape for source in sources]
    assert shapes == [(5, 7, 2), (5, 7), (5, 7)]
    np.testing.assert_array_equal(read_image(sources[2])[0], frames[3].T)


@pytest.mark.parametrize("trigger", [False, True])
def test_phases_of_one_slice_are_images_of_their_own(tmp_path, trigger):
    frames = grey_frames(3)
    write_planes(tmp_path / "a.dcm", frames, [AFFINE] * 3)
    if trigger:
        image = dcmread(tmp_path / "a.dcm")
        for group, delay in zip(image.PerFrameFunctionalGroupsSequence, (60, 0, 30), strict=True):
            group.CardiacSynchronizationSequence = [Dataset()]
            group.CardiacSynchronizationSequence[0].NominalCardiacTriggerDelayTime = float(delay)
        image.save_as(tmp_path / "a.dcm")
    values = [read_image(source)[0] for source in find_images(tmp_path).sources]
    order = [1, 2, 0] if trigger else [0, 1, 2]
    np.testing.assert_array_equal(values, frames[order].swapaxes(1, 2)[..., None])
