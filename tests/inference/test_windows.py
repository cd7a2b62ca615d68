import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.inferers import sliding_window_inference

from lamina.errors import DataError
from lamina.inference import windows
from lamina.inference.precision import AutocastInferer
from lamina.inference.windows import WindowInferer, WindowPlan, windows_at_a_time


def pointwise(x):
    return torch.cat([x, x**2], dim=1)


@pytest.mark.parametrize("shape", [(20, 13), (5, 40), (16, 16)])
def test_windows_over_a_picture_equal_the_whole(shape):
    x = torch.rand(1, 1, *shape)
    torch.testing.assert_close(WindowInferer([16, 16])(x, pointwise), pointwise(x))


def test_windows_over_a_volume_equal_the_whole():
    x = torch.rand(1, 1, 20, 13, 9)
    torch.testing.assert_close(WindowInferer([8, 8, 8])(x, pointwise), pointwise(x))


def test_a_2d_network_goes_over_the_last_axis():
    network = torch.nn.Conv2d(1, 3, 3, padding=1)
    x = torch.rand(1, 1, 20, 14, 6)
    with torch.no_grad():
        whole = WindowInferer([32, 32], sw_batch_size=4)(x, network)
        slices = torch.stack([network(x[..., i]) for i in range(6)], dim=-1)
    torch.testing.assert_close(whole, slices)


def test_a_3d_network_on_a_picture_says_what_to_do():
    with pytest.raises(DataError, match="2 axes, but the network 3\n.*--spatial_dims 2"):
        WindowInferer([8, 8, 8])(torch.rand(1, 1, 9, 9), pointwise)


@pytest.mark.parametrize("dims", [2, 3])
def test_bf16_is_near_fp32_and_comes_back_as_float32(dims):
    torch.manual_seed(0)
    kind = {2: torch.nn.Conv2d, 3: torch.nn.Conv3d}[dims]
    network = kind(1, 4, 3, padding=1)
    x = torch.rand(1, 1, *[12, 10, 8][:dims])
    window = WindowInferer([16] * dims)
    with torch.no_grad():
        exact = AutocastInferer(window, "fp32")(x, network)
        fast = AutocastInferer(window, "bf16")(x, network)
    assert fast.dtype == torch.float32
    assert 0 < (exact - fast).abs().max() < 0.02
    torch.testing.assert_close(exact, network(x))


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
    places = list(WindowPlan(shape, size, overlap, "constant").offsets())
    assert sorted(float(grid[0, 0][place]) for place in places) == sorted(seen)
    assert len(set(places)) == len(places)


@settings(deadline=None)
@given(size=SIZES, more=MORE)
def test_every_voxel_is_covered_and_the_order_is_that_of_the_axis(size, more):
    shape = tuple(a + b for a, b in zip(size, more, strict=True))
    plan = WindowPlan(shape, size, 0.25, "constant")
    covered = torch.zeros(shape)
    places = list(plan.offsets())
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
    monkeypatch.setattr(windows, "_free_bytes", lambda device: 16e9)
    assert windows_at_a_time([96, 96, 96], cpu) == 1
    assert windows_at_a_time([512, 256], cpu) == 8
    assert windows_at_a_time([300, 300, 300], cpu) == 1
    monkeypatch.setattr(windows, "_free_bytes", lambda device: 4 * 512 * 256 * 2000 * 2)
    assert windows_at_a_time([512, 256], cpu) == 2
