from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import median_filter
from skimage.filters.rank import entropy
from skimage.morphology import closing, disk

from lamina.errors import DataError
from lamina.prepare.retouch_cases import (
    RetouchCase,
    choose_test_cases,
    closed,
    fill_columns,
    find_retouch,
    read_bytes,
    read_fluid,
    region_of_interest,
)
from lamina.readers.images import read_image

SHAPE = (6, 9, 4)


def write(path, values, spacing=(0.0117, 0.0039, 0.12)):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(np.ascontiguousarray(values.transpose(2, 1, 0)))
    image.SetSpacing(spacing)
    sitk.WriteImage(image, str(path))
    return path


def make(folder, values, truth=None):
    write(folder / "oct.mhd", values)
    if truth is not None:
        write(folder / "reference.mhd", truth)


@pytest.fixture
def volume():
    return np.arange(np.prod(SHAPE), dtype=np.uint8).reshape(SHAPE)


def test_vendor_and_case_come_from_the_folders(tmp_path, volume):
    make(tmp_path / "RETOUCH-TrainingSet-Cirrus" / "TRAIN001", volume, volume * 0)
    make(tmp_path / "set" / "topcon" / "TRAIN047", volume)
    cases = find_retouch(tmp_path)
    assert [case.name for case in cases] == ["Cirrus_TRAIN001", "Topcon_TRAIN047"]
    assert [case.fluid is None for case in cases] == [False, True]


def test_one_vendors_folder_may_be_given_itself(tmp_path, volume):
    make(tmp_path / "Spectralis" / "A", volume)
    assert find_retouch(tmp_path / "Spectralis")[0].vendor == "Spectralis"


def test_what_does_not_lie_as_expected_is_told(tmp_path, volume):
    with pytest.raises(DataError, match="no oct.mhd"):
        find_retouch(tmp_path)
    make(tmp_path / "Zeiss" / "A", volume)
    with pytest.raises(DataError, match="no vendor"):
        find_retouch(tmp_path)


def test_equal_names_are_refused(tmp_path, volume):
    for part in ("a", "b"):
        make(tmp_path / part / "Cirrus" / "T1", volume)
    with pytest.raises(DataError, match="Cirrus_T1 is there twice"):
        find_retouch(tmp_path)


@pytest.mark.parametrize(("kind", "factor"), [(np.uint8, 1), (np.uint16, 257), (np.uint16, 1)])
def test_eight_and_sixteen_bits_become_the_same_greys(tmp_path, volume, kind, factor):
    make(tmp_path / "Cirrus" / "A", volume.astype(kind) * kind(factor))
    values, grid = read_bytes(find_retouch(tmp_path)[0])
    np.testing.assert_array_equal(values, volume)
    assert grid.spacing == pytest.approx((0.0117, 0.0039, 0.12))
    np.testing.assert_array_equal(
        read_image(str(tmp_path / "Cirrus/A/oct.mhd"))[0], volume * float(factor)
    )


def test_values_that_are_no_greys_are_refused(tmp_path, volume):
    make(tmp_path / "Cirrus" / "A", volume.astype(np.int16) - 50)
    with pytest.raises(DataError, match="expected 8 or 16 bits"):
        read_bytes(find_retouch(tmp_path)[0])


def test_a_truth_that_does_not_fit_is_refused(tmp_path, volume):
    make(tmp_path / "Cirrus" / "A", volume, np.zeros((6, 9, 3), np.uint8))
    case = find_retouch(tmp_path)[0]
    grid = read_bytes(case)[1]
    with pytest.raises(DataError, match=r"6×9×3 voxels, oct.mhd has 6×9×4"):
        read_fluid(case, grid)
    write(case.fluid, np.full(SHAPE, 4, np.uint8))
    with pytest.raises(DataError, match="values up to 4, expected 0 to 3"):
        read_fluid(case, grid)


def test_a_quarter_of_each_vendor_is_for_the_test_whatever_else_there_is():
    cases = [
        RetouchCase(v, f"T{n}", Path("a"), Path("b"))
        for v in ("Cirrus", "Topcon")
        for n in range(12)
    ]
    chosen = choose_test_cases(cases, 0.25, 0)
    assert sum(name.startswith("Cirrus") for name in chosen) == 3
    assert sum(name.startswith("Topcon") for name in chosen) == 3
    assert choose_test_cases(cases[::-1], 0.25, 0) == chosen
    assert choose_test_cases(cases, 0.25, 1) != chosen
    assert not choose_test_cases([RetouchCase("Cirrus", "T", Path("a"), None)], 1.0, 0)


def retina(columns=60, rows=300, seed=0):
    """A noisy band in black, whose middle is black too."""
    scan = np.zeros((columns, rows), dtype=np.uint8)
    scan[:, 120:140] = np.random.default_rng(seed).integers(40, 250, (columns, 20))
    scan[:, 180:190] = np.random.default_rng(seed + 1).integers(40, 250, (columns, 10))
    return scan


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.floats(0.8, 0.999))
def test_closing_is_that_of_scikit_image_with_room_around(seed, radius, empty):
    region = np.random.default_rng(seed).random((31, 22)) > empty
    room = 2 * radius
    padded = closing(np.pad(region, room), disk(radius))[room:-room, room:-room]
    ours = closed(region, radius)
    assert (ours >= region).all()
    inner = slice(radius, -radius)
    np.testing.assert_array_equal(ours[inner, inner], padded[inner, inner])


def test_closing_where_the_disk_reaches_everything_leaves_no_hole():
    region = np.zeros((40, 50), dtype=bool)
    region[::5, ::5] = True
    assert closed(region, 30).all()
    assert not closed(np.zeros((4, 5), dtype=bool), 3).any()


def test_columns_are_filled_between_first_and_last():
    region = np.random.default_rng(0).random((20, 30)) > 0.9
    filled = fill_columns(region)
    for column, full in zip(region, filled, strict=True):
        places = np.flatnonzero(column)
        expected = np.zeros(30, dtype=bool)
        if len(places):
            expected[places[0] : places[-1] + 1] = True
        np.testing.assert_array_equal(full, expected)


def test_the_region_holds_the_band_and_what_lies_within():
    region = region_of_interest(retina())
    assert region[:, 120:190].all()
    assert not region[:, :100].any()
    assert not region[:, 215:].any()


def test_the_truth_is_always_inside():
    truth = np.zeros((60, 300), dtype=bool)
    truth[10:14, 250:256] = True
    region = region_of_interest(retina(), truth)
    assert region[truth].all()
    assert (region >= region_of_interest(retina())).all()


def test_it_follows_the_recipe_in_its_plain_form():
    """Entropy of 256 greys in place of 32: on an image whose greys are far apart it is the same."""
    scan = retina() // 16 * 16
    local = entropy(scan, disk(15))
    plain = fill_columns(closed(local > 1e-2 * local.max(), 55))
    assert (plain != region_of_interest(scan)).mean() < 0.01


def test_a_real_scan_is_not_left_out(real_data):
    values, _ = read_image(str(next((real_data / "oct_layers").rglob("*.bmp"))))
    region = region_of_interest(median_filter(values.astype(np.uint8), 3))
    assert region[values > 120].mean() > 0.95


def test_a_scan_of_one_grey_has_no_region():
    assert not region_of_interest(np.full((30, 40), 7, dtype=np.uint8)).any()


@pytest.mark.parametrize("shape", [(20, 90), (90, 20)])
def test_scans_smaller_than_the_disks_do(shape):
    scan = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    assert region_of_interest(scan).all()
