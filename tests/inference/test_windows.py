import pytest
import torch

from lamina.errors import DataError
from lamina.inference import AutocastInferer, WindowInferer


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
