import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.exposure import match_histograms

from lamina.prepare.histogram import histogram, match_histogram


@pytest.mark.parametrize("seed", range(4))
def test_it_is_what_scikit_image_does(seed):
    rng = np.random.default_rng(seed)
    values = rng.gamma(2, 20, (30, 40, 3)).clip(0, 255).astype(np.uint8)
    reference = rng.normal(120, 30, (50, 20)).clip(0, 255).astype(np.uint8)
    ours = match_histogram(values, histogram(reference)).astype(float)
    theirs = match_histograms(values.ravel(), reference.ravel()).reshape(values.shape)
    assert abs(ours - theirs).max() <= 1


@given(st.integers(0, 2**32 - 1))
def test_order_is_kept(seed):
    rng = np.random.default_rng(seed)
    values = np.arange(256, dtype=np.uint8)
    matched = match_histogram(values, rng.integers(0, 9, 256) + (np.arange(256) == 7))
    assert (np.diff(matched.astype(int)) >= 0).all()


def test_what_is_like_the_reference_stays_as_it_is():
    values = np.random.default_rng(0).integers(0, 256, (40, 50)).astype(np.uint8)
    np.testing.assert_array_equal(match_histogram(values, histogram(values)), values)


def test_a_brighter_scanner_becomes_as_dark_as_the_reference():
    rng = np.random.default_rng(1)
    dark = rng.integers(0, 100, 50000).astype(np.uint8)
    bright = (rng.integers(0, 100, 50000) + 120).astype(np.uint8)
    assert match_histogram(bright, histogram(dark)).mean() == pytest.approx(dark.mean(), abs=1)
