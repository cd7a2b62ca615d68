import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.inferers import sliding_window_inference

from lamina.inference import window_plan, windows_at_a_time
from lamina.inference.window_plan import WindowPlan

SIZES = st.tuples(*[st.integers(3, 9)] * 3)
MORE = st.tuples(*[st.integers(0, 20)] * 3)


@settings(deadline=None)
@given(size=SIZES, more=MORE, overlap=st.sampled_from([0, 0.25, 0.5, 0.8]))
def test_windows_lie_where_monai_puts_them(size, more, overlap):
    shape = tuple(a + b for a, b in zip(size, more, strict=True))
    seen = []
    grid = torch.arange(float(torch.tensor(shape).prod())).reshape(1, 1, *shape)

    def network(x):
        seen.extend(x[:, 0, 0, 0, 0].tolist())
        return x

    sliding_window_inference(grid, size, 1, network, overlap=overlap)
    places = list(WindowPlan(shape, size, overlap, "constant").places())
    assert sorted(float(grid[0, 0][place]) for place in places) == sorted(seen)
    assert len(set(places)) == len(places)


@settings(deadline=None)
@given(size=SIZES, more=MORE)
def test_every_voxel_is_covered_and_the_order_is_that_of_the_axis(size, more):
    shape = tuple(a + b for a, b in zip(size, more, strict=True))
    plan = WindowPlan(shape, size, 0.25, "constant")
    covered = torch.zeros(shape)
    places = list(plan.places())
    for place in places:
        covered[tuple(slice(i, i + n) for i, n in zip(place, size, strict=True))] += 1
    assert covered.min() >= 1
    assert all(a[plan.axis] <= b[plan.axis] for a, b in itertools.pairwise(places))


def test_the_slab_lies_along_the_axis_where_it_is_thinnest():
    assert WindowPlan((100, 100, 400), (50, 50, 50), 0, "constant").axis == 2
    assert WindowPlan((100, 300, 120), (50, 50, 50), 0, "constant").axis == 1


@pytest.mark.parametrize("size", [(8, 6, 4), (8, 6, 1)])
def test_gaussian_weights_are_largest_in_the_middle(size):
    weights = WindowPlan((20, 20, 20), size, 0.5, "gaussian").weights(torch.device("cpu"))
    assert weights.shape == (*size, 1)
    assert weights[size[0] // 2, size[1] // 2, size[2] // 2] == weights.max()
    assert weights.min() > 0


def test_small_windows_go_together_and_large_ones_alone(monkeypatch):
    cpu = torch.device("cpu")
    monkeypatch.setattr(window_plan, "_free_bytes", lambda device: 16e9)
    assert windows_at_a_time([96, 96, 96], cpu) == 1
    assert windows_at_a_time([512, 256], cpu) == 8
    assert windows_at_a_time([300, 300, 300], cpu) == 1
    monkeypatch.setattr(window_plan, "_free_bytes", lambda device: 4 * 512 * 256 * 2000 * 2)
    assert windows_at_a_time([512, 256], cpu) == 2
