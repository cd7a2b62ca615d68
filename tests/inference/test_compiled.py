import logging
import shutil

import pytest
import torch
from monai.data import MetaTensor
from monai.inferers import SimpleInferer
from monai.networks.blocks import Convolution

from lamina.errors import ConfigError
from lamina.inference import compiled
from lamina.inference.compiled import CompiledNetwork, pays_to_compile
from lamina.inference.precision import AutocastInferer

CPU = torch.device("cpu")


@pytest.fixture
def with_compiler(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")


@pytest.mark.parametrize(
    ("device", "patch", "patches", "pays"),
    [
        ("cpu", (256, 512), 4000, True),
        ("cpu", (256, 512), 3000, False),
        ("cpu", (64, 64, 64), 4000, False),
        ("cuda", (256, 512), 4000, False),
    ],
)
@pytest.mark.usefixtures("with_compiler")
def test_auto_compiles_long_trainings_in_2d_on_a_cpu(device, patch, patches, pays):
    assert pays_to_compile("auto", torch.device(device), patch, patches, 4e8) is pays


def test_auto_needs_a_cpp_compiler(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert not pays_to_compile("auto", CPU, (256, 512), 1e6, 1.0)


def test_a_named_compiler_is_looked_for(monkeypatch):
    monkeypatch.setenv("CXX", "my-compiler")
    monkeypatch.setattr(shutil, "which", lambda name: name if name == "my-compiler" else None)
    assert pays_to_compile("auto", CPU, (256, 512), 1e6, 1.0)


def test_a_setting_is_obeyed():
    assert pays_to_compile("always", CPU, (8, 8, 8), 1, 1e9)
    assert not pays_to_compile("never", CPU, (256, 512), 1e6, 1.0)
    with pytest.raises(ConfigError, match="compile: 'yes'\n.*auto, always, never"):
        pays_to_compile("yes", CPU, (8, 8), 1, 1.0)


class Recorded:
    """Stands for torch.compile, and counts what it is called with."""

    def __init__(self):
        self.sizes = []
        self.types = set()

    def __call__(self, network, **settings):
        assert settings == {"dynamic": False}

        def run(images):
            self.sizes.append(tuple(images.shape))
            self.types.add(type(images))
            return network(images)

        return run


def test_only_the_first_size_is_compiled():
    recorded, network = Recorded(), torch.nn.Conv2d(1, 2, 3)
    quick = CompiledNetwork(recorded)
    for count in (4, 4, 3, 4):
        images = MetaTensor(torch.rand(count, 1, 8, 9))
        torch.testing.assert_close(quick(network, images), network(images.as_tensor()))
    assert recorded.sizes == [(4, 1, 8, 9)] * 3
    assert recorded.types == {torch.Tensor}


def test_a_compiler_that_fails_is_named_and_the_network_runs(caplog):
    def broken(network, **_):
        def run(images):
            raise RuntimeError("CppCompileError: no such file\nand so on")

        return run

    network, images = torch.nn.Conv2d(1, 2, 3), torch.rand(2, 1, 8, 9)
    quick = CompiledNetwork(broken)
    with caplog.at_level(logging.WARNING, "lamina"):
        first, second = quick(network, images), quick(network, images)
    torch.testing.assert_close(first, network(images))
    torch.testing.assert_close(second, first)
    assert [record.message for record in caplog.records] == [
        "the network can't be compiled, and runs uncompiled: CppCompileError: no such file"
    ]


def test_a_mistake_of_the_network_itself_is_raised():
    with pytest.raises(RuntimeError, match="expected input"):
        CompiledNetwork(Recorded())(torch.nn.Conv2d(3, 2, 3), torch.rand(2, 1, 8, 9))


def test_validation_runs_plainly(monkeypatch):
    recorded = Recorded()
    monkeypatch.setattr(torch, "compile", recorded)
    inferer = AutocastInferer(SimpleInferer(), "fp32", compiled=True)
    network, images = torch.nn.Conv2d(1, 2, 3), torch.rand(2, 1, 8, 9)
    inferer(images, network.eval())
    assert recorded.sizes == []
    inferer(images, network.train())
    assert recorded.sizes == [(2, 1, 8, 9)]


@pytest.mark.keeps_threads("torch compiles in a pool that it keeps")
@pytest.mark.skipif(not compiled._has_compiler(), reason="there is no C++ compiler")
def test_a_compiled_network_gives_the_numbers_and_gradients_of_the_plain_one():
    torch.manual_seed(0)
    network = Convolution(2, 1, 4, norm="batch")
    images = torch.rand(2, 1, 12, 18)
    results = {}
    for how in (False, True):
        network.zero_grad()
        result = AutocastInferer(SimpleInferer(), "fp32", compiled=how)(images, network)
        result.square().mean().backward()
        results[how] = [result.detach(), *(p.grad.clone() for p in network.parameters())]
    for plain, quick in zip(results[False], results[True], strict=True):
        torch.testing.assert_close(quick, plain, rtol=1e-3, atol=1e-5)
