import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.phantoms.fields import smooth_field


def test_field_is_of_the_asked_shape_and_type():
    field = smooth_field(np.random.default_rng(0), (5, 7, 3), (1.0, 2.0, 0.0))
    assert field.shape == (5, 7, 3)
    assert field.dtype == np.float32


def test_same_generator_gives_the_same_field():
    first, second = (smooth_field(np.random.default_rng(4), (9, 8), (2.0, 1.0)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_without_scale_it_is_white_noise():
    white = np.random.default_rng(1).standard_normal((30, 20), dtype=np.float32)
    field = smooth_field(np.random.default_rng(1), (30, 20), (0.0, 0.0))
    np.testing.assert_array_equal(field, white)


@settings(max_examples=10, deadline=None)
@given(scale=st.just(0.0) | st.floats(0.1, 8), seed=st.integers(0, 99))
def test_mean_and_variance_do_not_depend_on_the_scale(scale, seed):
    rng = np.random.default_rng(seed)
    field = smooth_field(rng, (11, 9000), (scale, 0.0))
    np.testing.assert_allclose(field.mean(1), 0, atol=0.06)
    np.testing.assert_allclose(field.std(1), 1, atol=0.05)


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_correlation_is_that_of_a_blurred_field(scale):
    """White noise blurred with σ has the correlation exp(-d² / 4σ²)."""
    field = smooth_field(np.random.default_rng(2), (40, 4000), (scale, 0.0))
    for distance in (1, 2, 4):
        found = np.mean(field[distance:] * field[:-distance])
        assert found == pytest.approx(np.exp(-(distance**2) / (4 * scale**2)), abs=0.03)


def test_border_is_like_the_middle():
    fields = smooth_field(np.random.default_rng(3), (12, 6000), (3.0, 0.0))
    np.testing.assert_allclose(fields.std(1), 1, atol=0.05)
    assert np.mean(fields[0] * fields[-1]) == pytest.approx(np.exp(-(11**2) / 36), abs=0.05)


def test_axes_are_blurred_apart():
    field = smooth_field(np.random.default_rng(4), (30, 2000, 3), (2.0, 0.0, 5.0))
    along_x, along_y, along_z = (
        np.mean(np.moveaxis(field, axis, 0)[1:] * np.moveaxis(field, axis, 0)[:-1])
        for axis in range(3)
    )
    assert along_x == pytest.approx(np.exp(-1 / 16), abs=0.05)
    assert along_y == pytest.approx(0, abs=0.03)
    assert along_z == pytest.approx(np.exp(-1 / 100), abs=0.05)


def test_a_scale_far_beyond_the_field_costs_nothing_and_gives_a_flat_field():
    field = smooth_field(np.random.default_rng(5), (20, 7), (1e6, 1e6))
    assert field.std() < 0.01
    assert field[0, 0] != 0
