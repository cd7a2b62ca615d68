"""What of one series is one volume: over folders and files, by stack, by moment."""

import itertools

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from tests.readers.test_dicom_frames import cut, write_enhanced

from lamina.cases.find import find_images
from lamina.readers.dicom_series import find_series
from lamina.readers.images import read_grid, read_image

AFFINE = np.diag([-0.5, -0.25, 3.0, 1])
ORDERS = [[0, 2, 1], [7, 0, 4, 2, 8, 1, 3, 6, 5], [3, 1, 0, 2]]


def place(folder, target, folder_of, left_out=()):
    """Move a series' slices into folders of their own."""
    for z, path in enumerate(sorted(folder.iterdir())):
        if z not in left_out:
            (target / folder_of(z)).mkdir(parents=True, exist_ok=True)
            path.rename(target / folder_of(z) / path.name)


@pytest.mark.parametrize("order", ORDERS, ids=["three", "one a folder", "four"])
@pytest.mark.parametrize("missing", [(), (4,)])
def test_folders_are_one_volume_in_whatever_order_their_names_are(
    tmp_path, write_series, volume, oblique, order, missing
):
    folder = write_series(tmp_path / "all", volume, oblique)
    place(folder, tmp_path / "s", lambda z: f"f{order[z % len(order)]}", missing)
    (source,) = find_images(tmp_path / "s").sources
    values, grid = read_image(source)
    assert grid.shape == volume.shape
    read = [z for z in range(volume.shape[2]) if z not in missing]
    expected = volume[..., ::-1]  # slices are ordered along their normal
    np.testing.assert_allclose(values[..., read], expected[..., read], atol=1e-3)


@pytest.mark.parametrize("gap", [1, 3, 4])
def test_a_few_slices_may_be_missing_where_a_folder_ends(tmp_path, write_series, volume, gap):
    folder = write_series(tmp_path / "all", volume, AFFINE)
    place(folder, tmp_path / "s", lambda z: "ab"[z >= 3], range(3, 3 + gap))
    shapes = [read_grid(one).shape[2] for one in find_images(tmp_path / "s").sources]
    assert shapes == ([9] if gap <= 3 else [3, 2])


def test_echoes_of_which_each_lies_in_both_folders_are_whole(tmp_path, write_series, volume):
    for echo in (1, 2):
        names = [f"{z}-{echo}" for z in range(9)]
        folder = write_series(
            tmp_path / "all", volume + echo, AFFINE, names=names, EchoTime=10 * echo
        )
    place(folder, tmp_path / "s", lambda at: "ab"[at // 2 % 2])
    sources = find_images(tmp_path / "s").sources
    assert len(set(sources)) == 2
    for echo, source in enumerate(sources, start=1):
        np.testing.assert_array_equal(read_image(source)[0], volume + echo)


@pytest.mark.parametrize("sizes", [[2, 2], [1, 3], [3, 1]])
def test_files_of_several_frames_that_follow_each_other_are_one_volume(
    tmp_path, volume, oblique, sizes
):
    first = 0
    for number, size in enumerate(sizes):
        part = volume[..., first : first + size]
        write_enhanced(tmp_path / "s" / f"{number}.dcm", part, cut(oblique, first))
        first += size
    (source,) = find_images(tmp_path / "s").sources
    assert source == str(tmp_path / "s")
    np.testing.assert_array_equal(read_image(source)[0], volume[..., :first][..., ::-1])


def write_frames(path, voxels, affines, elements):
    """Write frames (x, y, n), each with its affine and, by sequence, elements of its group."""
    write_enhanced(path, voxels, AFFINE)
    image = dcmread(path)
    for group, affine, own in zip(
        image.PerFrameFunctionalGroupsSequence, affines, elements, strict=True
    ):
        group.PlanePositionSequence[0].ImagePositionPatient = [
            *(affine[:3, 3] * [-1, -1, 1]).round(6)
        ]
        for sequence, values in own.items():
            item = Dataset()
            for keyword, value in values.items():
                setattr(item, keyword, value)
            setattr(group, sequence, [item])
    image.save_as(path)


def test_two_moments_of_one_slice_a_file_are_two_volumes(tmp_path, volume):
    for z in range(5):
        write_frames(
            tmp_path / "s" / f"{z}.dcm",
            np.stack([volume[..., z], volume[..., z] + 500], axis=-1),
            [cut(AFFINE, z)] * 2,
            [{"FrameContentSequence": {"TemporalPositionIndex": time}} for time in (1, 2)],
        )
    sources = find_images(tmp_path / "s").sources
    assert len(sources) == 2
    for source, more in zip(sources, (0, 500), strict=True):
        np.testing.assert_array_equal(read_image(source)[0], volume[..., :5] + more)


@pytest.mark.parametrize("shift", [0.5, 6.0, 20.0])
def test_stacks_of_one_direction_are_volumes_of_their_own(tmp_path, volume, shift):
    affines = [cut(AFFINE, z) for z in (0, 1, 2, shift, shift + 1, shift + 2)]
    stacks = [{"FrameContentSequence": {"StackID": name}} for name in "111222"]
    write_frames(tmp_path / "a.dcm", volume[..., :6], affines, stacks)
    first, second = (read_image(one)[0] for one in find_images(tmp_path).sources)
    np.testing.assert_array_equal(first, volume[..., :3])
    np.testing.assert_array_equal(second, volume[..., 3:6])


@pytest.mark.parametrize(
    ("sequence", "keyword", "values"),
    [
        ("CardiacSynchronizationSequence", "NominalPercentageOfCardiacPhase", [0.0, 50.0]),
        ("MRTimingAndRelatedParametersSequence", "FlipAngle", [5.0, 20.0]),
        ("MRModifierSequence", "InversionTimes", [100.0, 200.0]),
        ("FrameContentSequence", "FrameAcquisitionDateTime", ["20200101120000", "20200101120100"]),
    ],
)
def test_frames_are_told_apart_by_phase_angle_and_times(
    tmp_path, volume, sequence, keyword, values
):
    at, moment = zip(*itertools.product(range(3), (0, 1)), strict=True)
    voxels = volume[..., list(at)] + 500 * np.array(moment, np.int16)
    elements = [{sequence: {keyword: values[one]}} for one in moment]
    write_frames(tmp_path / "a.dcm", voxels, [cut(AFFINE, z) for z in at], elements)
    sources = find_images(tmp_path).sources
    assert sources == tuple(f"{tmp_path}/a.dcm#frames:{number}" for number in (1, 2))
    for number, source in enumerate(sources):
        np.testing.assert_array_equal(read_image(source)[0], volume[..., :3] + 500 * number)


@pytest.mark.parametrize(
    "names",
    [
        ["FlipAngle"],
        ["InversionTime"],
        ["FrameReferenceTime"],
        ["NominalPercentageOfCardiacPhase"],
        ["TemporalPositionIdentifier", "EchoTime", "FlipAngle"],
    ],
)
def test_slices_are_told_apart_by_up_to_three_attributes(tmp_path, write_series, volume, names):
    moments = list(itertools.product((10, 20), repeat=len(names)))
    for number, values in enumerate(moments):
        files = [f"{number}-{z}" for z in range(9)]
        elements = dict(zip(names, values, strict=True))
        write_series(tmp_path / "s", volume + number, AFFINE, names=files, **elements)
    series, unread = find_series((tmp_path / "s").iterdir())
    assert (len(series), unread) == (len(moments), [])
    for number, one in enumerate(series):
        np.testing.assert_array_equal(read_image(one.address)[0], volume + number)


@pytest.mark.parametrize("start", [5.005, 0.0, -3.995])
def test_positions_that_differ_in_the_last_digits_are_one_position(
    tmp_path, write_series, volume, start
):
    """Rounding to hundredths has a border where these lie."""
    for echo in (1, 2):
        names = [f"{echo}-{z}" for z in range(9)]
        affine = cut(AFFINE, (start + 2e-6 * (echo - 1.5)) / 3)
        write_series(tmp_path / "s", volume + echo, affine, names=names, EchoTime=echo)
    series, _ = find_series((tmp_path / "s").iterdir())
    assert [len(one.slices) for one in series] == [9, 9]
