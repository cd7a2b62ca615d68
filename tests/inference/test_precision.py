import pytest
import torch
from monai.inferers import SimpleInferer

from lamina.errors import ConfigError
from lamina.inference import precision
from lamina.inference.precision import AutocastInferer, bf16_difference, choose_precision, to_device


def test_unknown_precision_names_the_known_ones():
    with pytest.raises(ConfigError, match="precision: 'fp8'\n.*auto, fp32, bf16"):
        choose_precision("fp8", torch.device("cpu"))


@pytest.mark.parametrize(("units", "chosen"), [(True, "bf16"), (False, "fp32")])
def test_auto_follows_the_processor(monkeypatch, units, chosen):
    monkeypatch.setattr(precision, "has_bf16_units", lambda: units)
    assert choose_precision("auto", torch.device("cpu")) == chosen
    assert choose_precision("fp32", torch.device("cpu")) == "fp32"
    assert choose_precision("auto", torch.device("cuda")) == "fp32"


@pytest.mark.parametrize("able", [{"amx_bf16": True}, {"avx512_bf16": True}, {"avx2": True}])
def test_units_are_read_from_the_processor(monkeypatch, able):
    precision.has_bf16_units.cache_clear()
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    assert precision.has_bf16_units() is ("avx2" not in able)
    precision.has_bf16_units.cache_clear()


def test_gradients_flow_in_float32():
    network = torch.nn.Conv2d(1, 2, 3)
    AutocastInferer(SimpleInferer(), "bf16")(torch.rand(2, 1, 8, 8), network).sum().backward()
    assert network.weight.grad.dtype == torch.float32
    assert network.weight.grad.abs().sum() > 0


def test_place_keeps_the_numbers_and_the_names():
    network = torch.nn.Sequential(torch.nn.Conv3d(2, 3, 3), torch.nn.BatchNorm3d(3)).eval()
    x = torch.rand(1, 2, 6, 7, 8)
    before, names = network(x), list(network.state_dict())
    placed = to_device(network, torch.device("cpu"), 3)
    torch.testing.assert_close(placed(x), before)
    assert list(placed.state_dict()) == names
    assert placed[0].weight.is_contiguous(memory_format=torch.channels_last_3d)


class Wrong(torch.nn.Module):
    """Right in float32; other numbers, or none, in bfloat16, as oneDNN has them now and then."""

    def __init__(self, factor):
        super().__init__()
        self.layer = torch.nn.Conv2d(1, 2, 1)
        self.factor = factor

    def forward(self, x):
        y = self.layer(x)
        return y * self.factor if y.dtype == torch.bfloat16 else y


@pytest.mark.parametrize("factor", [1.5, float("nan"), float("inf")])
def test_a_network_that_is_wrong_in_bf16_runs_in_float32(factor, caplog):
    network, x = Wrong(factor), torch.rand(1, 1, 8, 6)
    inferer = AutocastInferer(SimpleInferer(), "bf16")
    with caplog.at_level("WARNING"):
        found = inferer(x, network)
    torch.testing.assert_close(found, network(x))
    assert "images of 8 × 6" in caplog.text
    assert caplog.text.count("float32 is used") == 1


def test_a_network_that_is_right_in_bf16_is_compared_once_a_size():
    network = torch.nn.Conv2d(1, 2, 3)
    counted = []
    network.register_forward_hook(lambda *_: counted.append(1))
    inferer = AutocastInferer(SimpleInferer(), "bf16")
    for size in (8, 8, 8, 9):
        inferer(torch.rand(1, 1, size, size), network)
    assert len(counted) == 4 + 2 * 2


def test_comparing_changes_neither_statistics_nor_random_numbers():
    network = torch.nn.Sequential(torch.nn.BatchNorm2d(1), torch.nn.Dropout(0.5)).train()
    before = torch.get_rng_state()
    bf16_difference(network, torch.rand(2, 1, 4, 4))
    after_images = torch.get_rng_state()
    assert network.training
    assert network[0].num_batches_tracked == 0
    torch.set_rng_state(before)
    torch.rand(2, 1, 4, 4)
    assert (torch.get_rng_state() == after_images).all()
