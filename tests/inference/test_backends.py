import copy
import sys
from importlib.util import find_spec

import pytest
import torch
from monai.inferers import SimpleInferer
from monai.networks.nets import DynUNet, UNet

from lamina.errors import ConfigError
from lamina.inference import backends
from lamina.inference.backends import BackendInferer, choose_backend, fold_norms
from lamina.inference.grid_inferer import GridInferer

CPU = torch.device("cpu")


def require_openvino():
    """Skip without OpenVINO; an import here would not be the one that Lamina makes."""
    if not find_spec("openvino"):
        pytest.skip("openvino is not installed")


def network_of(dims=3):
    torch.manual_seed(0)
    return UNet(dims, 1, 3, (4, 8, 16), (2, 2), num_res_units=1, norm="batch").eval()


def test_unknown_backend_names_the_known_ones():
    with pytest.raises(ConfigError, match="backend: 'tensorrt'\n.*auto, torch, torch-bf16"):
        choose_backend("tensorrt", CPU)


@pytest.mark.parametrize(
    ("units", "installed", "chosen"),
    [(True, True, "torch-bf16"), (False, True, "openvino"), (False, False, "torch")],
)
def test_auto_follows_the_processor(monkeypatch, units, installed, chosen):
    monkeypatch.setattr(backends, "has_bf16_units", lambda: units)
    monkeypatch.setattr(backends, "find_spec", lambda name: object() if installed else None)
    assert choose_backend("auto", CPU) == chosen
    assert choose_backend("torch", CPU) == "torch"
    assert choose_backend("auto", torch.device("mps")) == "torch"


@pytest.mark.parametrize(("able", "chosen"), [(True, "torch-bf16"), (False, "torch")])
def test_auto_on_a_gpu(monkeypatch, able, chosen):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: able)
    assert choose_backend("auto", torch.device("cuda")) == chosen


def test_a_backend_that_is_not_there_says_what_to_install(monkeypatch):
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="openvino is not installed\n.*pip install openvino"):
        choose_backend("openvino", CPU)
    with pytest.raises(ConfigError, match="runs on the CPU, not on cuda"):
        choose_backend("openvino", torch.device("cuda"))


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(
    ("backend", "tolerance"), [("torch", 0), ("torch-bf16", 0.03), ("openvino", 1e-4)]
)
def test_each_backend_computes_what_float32_does(backend, tolerance, dims):
    if backend == "openvino":
        require_openvino()
    network, x = network_of(dims), torch.rand(2, 1, *[16] * dims)
    with torch.no_grad():
        exact = network(x)
    found = BackendInferer(SimpleInferer(), backend)(x, network).float()
    assert (found - exact).norm() <= tolerance * exact.norm()
    assert found.requires_grad is False


def test_onnxruntime_computes_what_float32_does():
    pytest.importorskip("onnxruntime")
    network, x = network_of(2), torch.rand(2, 1, 16, 16)
    found = BackendInferer(SimpleInferer(), "onnxruntime")(x, network)
    torch.testing.assert_close(found, network(x).detach(), rtol=1e-3, atol=1e-4)


def test_openvino_keeps_to_itself_and_takes_smaller_batches():
    require_openvino()
    network, inferer = network_of(2), BackendInferer(SimpleInferer(), "openvino")
    inferer(torch.rand(3, 1, 16, 16), network)
    x = torch.rand(2, 1, 16, 16)
    torch.testing.assert_close(inferer(x, network), network(x).detach(), rtol=1e-3, atol=1e-4)
    assert sys.modules["openvino_telemetry"] is None


@pytest.mark.parametrize("factor", [2.0, float("nan")])
def test_what_is_too_far_from_float32_is_not_used(monkeypatch, caplog, factor):
    wrong = lambda network, example: lambda images: network(images) * factor
    monkeypatch.setitem(backends.BUILD, "torch-bf16", wrong)
    network, x = network_of(2), torch.rand(1, 1, 16, 16)
    inferer = BackendInferer(SimpleInferer(), "torch-bf16")
    with caplog.at_level("INFO"):
        for _ in range(3):
            torch.testing.assert_close(inferer(x, network), network(x).detach())
    assert caplog.text.count("float32 is used") == 1
    assert "runs with torch-bf16 on cpu" in caplog.text


def test_new_weights_make_a_new_fast_network():
    network, x = network_of(2), torch.rand(1, 1, 16, 16)
    other = copy.deepcopy(network)
    with torch.no_grad():
        for value in other.parameters():
            value.mul_(1.5)
    inferer = BackendInferer(SimpleInferer(), "torch-bf16")
    first = inferer(x, network)
    assert (inferer(x, network) == first).all()
    network.load_state_dict(other.state_dict())
    second = inferer(x, network)
    assert not torch.allclose(first, second)
    torch.testing.assert_close(inferer(x, other), second)


def test_the_fast_network_is_made_once(monkeypatch):
    made = []
    build = backends.BUILD["torch-bf16"]
    monkeypatch.setitem(
        backends.BUILD, "torch-bf16", lambda *given: made.append(1) or build(*given)
    )
    network, inferer = network_of(3), BackendInferer(GridInferer([16] * 3), "torch-bf16")
    for size in (16, 24, 40):
        inferer(torch.rand(1, 1, size, 20, 17), network)
    assert len(made) == 1


def test_labels_in_bfloat16_are_those_of_float32_almost_everywhere():
    network, x = network_of(3), torch.rand(1, 1, 40, 33, 20)
    exact = BackendInferer(GridInferer([16] * 3), "torch")(x, network)
    fast = BackendInferer(GridInferer([16] * 3), "torch-bf16")(x, network)
    assert fast.dtype == torch.uint8
    assert (exact != fast).float().mean() < 0.02


def trained(network):
    """Let the norms see something, so that they do more than nothing."""
    torch.manual_seed(0)
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.rand(2, 1, *[16] * network.dims) * 3 - 1)
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            torch.nn.init.uniform_(module.weight, 0.5, 2)
            torch.nn.init.uniform_(module.bias, -1, 1)
    return network.eval()


def unet(dims, norm="batch"):
    network = UNet(dims, 1, 3, (4, 8, 16), (2, 2), num_res_units=2, norm=norm)
    network.dims = dims
    return trained(network)


def dynunet(dims):
    network = DynUNet(
        dims,
        1,
        3,
        [3] * 3,
        [1, 2, 2],
        [2, 2],
        filters=[4, 8, 16],
        norm_name="batch",
        res_block=True,
    )
    network.dims = dims
    return trained(network)


def norms_left(network):
    kinds = torch.nn.modules.batchnorm._BatchNorm
    return sum(isinstance(module, kinds) for module in network.modules())


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("make", [unet, dynunet])
def test_the_numbers_stay_and_the_norms_go(make, dims):
    network = make(dims)
    x = torch.rand(1, 1, *[16] * dims)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.no_grad():
        folded = fold_norms(network)
        torch.testing.assert_close(folded(x), network(x), rtol=1e-4, atol=1e-4)
    assert norms_left(network) > 0 == norms_left(folded)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name])


def test_instance_norms_stay():
    network = unet(3, norm="instance")
    x = torch.rand(1, 1, 16, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(fold_norms(network)(x), network(x))


class Shared(torch.nn.Module):
    """A convolution whose output goes to a norm and past it, and one that is used twice."""

    def __init__(self):
        super().__init__()
        self.branch, self.twice = torch.nn.Conv2d(1, 2, 1), torch.nn.Conv2d(2, 2, 1)
        self.norm, self.other = torch.nn.BatchNorm2d(2), torch.nn.BatchNorm2d(2)
        self.dims = 2

    def forward(self, x):
        x = self.branch(x)
        x = x + self.norm(x)
        return self.twice(self.other(self.twice(x)))


def test_a_convolution_with_two_users_keeps_its_norm():
    network = trained(Shared())
    x = torch.rand(1, 1, 5, 4)
    with torch.no_grad():
        folded = fold_norms(network)
        torch.testing.assert_close(folded(x), network(x))
    assert norms_left(folded) == 2


class Branching(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(1, 1, 1)

    def forward(self, x):
        return self.layer(x) if x.sum() > 0 else x


def test_a_network_that_can_not_be_followed_stays_as_it_is(caplog):
    with caplog.at_level("DEBUG", "lamina"):
        folded = fold_norms(Branching().eval())
    assert isinstance(folded, Branching)
    assert "can't follow" in caplog.text
