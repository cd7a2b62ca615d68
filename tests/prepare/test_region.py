import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import median_filter
from skimage.filters.rank import entropy
from skimage.morphology import closing, disk

from lamina.cases import read_image
from lamina.prepare.region import closed, fill_columns, region_of_interest


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
