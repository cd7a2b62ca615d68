import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.transforms.along_axes import interpolate, resample

PLACES = st.lists(st.floats(-3, 12), min_size=1, max_size=6)


@given(places=PLACES, size=st.integers(1, 9))
def test_with_a_border_it_is_numpy_interp(places, size):
    values = np.random.default_rng(size).random(size)
    taps, weights = interpolate(np.array(places), size, border=True)
    found = (torch.tensor(values)[taps] * weights).sum(dim=1)
    np.testing.assert_allclose(found, np.interp(places, np.arange(size), values), atol=1e-6)


@given(places=PLACES, size=st.integers(1, 9))
def test_without_one_there_is_nothing_beyond_the_axis(places, size):
    taps, weights = interpolate(np.array(places), size, border=False)
    inside = np.interp(places, [-1, 0, size - 1, size], [0, 1, 1, 0])
    np.testing.assert_allclose(weights.sum(dim=1), inside, atol=1e-6)
    assert ((taps >= 0) & (taps < size)).all()


@settings(deadline=None)
@given(seed=st.integers(0, 9), channels=st.integers(1, 3))
def test_one_axis_after_the_other_is_all_at_once(seed, channels):
    rng = np.random.default_rng(seed)
    values = torch.tensor(rng.random((channels, 4, 5, 6)))
    places = [rng.uniform(-1, n, rng.integers(1, 8)) for n in (4, 5, 6)]
    steps = [interpolate(at, n, border=True) for at, n in zip(places, (4, 5, 6), strict=True)]
    spread = [
        torch.zeros(len(taps), n).scatter_add_(1, taps, weights)
        for (taps, weights), n in zip(steps, (4, 5, 6), strict=True)
    ]
    expected = torch.einsum("cxyz,ax,by,dz->cabd", values.float(), *spread)
    torch.testing.assert_close(resample(values, steps), expected)


@pytest.mark.parametrize("kind", [torch.uint8, torch.int16, torch.float64])
def test_any_type_comes_out_as_float32_and_goes_in_unchanged(kind):
    values = torch.arange(12).reshape(1, 3, 4).to(kind)
    before = values.clone()
    steps = [interpolate(np.array([0.5, 2.0]), 3, True), interpolate(np.array([1.5]), 4, True)]
    found = resample(values, steps)
    assert found.dtype == torch.float32
    assert found.tolist() == [[[3.5], [9.5]]]
    assert torch.equal(values, before)
