"""The backend that computes a trained network, which only this module chooses."""

import copy
import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from monai.inferers import Inferer
from torch.fx import GraphModule, Node, symbolic_trace
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.utils.fusion import fuse_conv_bn_eval

from lamina.errors import ConfigError
from lamina.inference.ensemble import Ensemble
from lamina.inference.exported import Network, onnx_network, openvino_network
from lamina.inference.precision import TOLERANCE, channels_last, has_bf16_units, relative_difference

logger = logging.getLogger("lamina")

SLOW_TO_MAKE = ("openvino", "onnxruntime")
"""All networks of an ensemble are kept for these: building one takes longer than many windows."""

BACKENDS = ("auto", "torch", "torch-bf16", "openvino", "onnxruntime")


def choose_backend(backend: str, device: torch.device) -> str:
    """Return the backend for a network on ``device``, by what the processor can do.

    ``torch-bf16`` where there are units for bfloat16 (CUDA since Ampere; AMX or AVX512-BF16 on a
    CPU), ``openvino`` on other CPUs, ``torch`` (float32) elsewhere.

    Raises ConfigError if ``backend`` is unknown, is not installed, or does not run on ``device``.

    >>> choose_backend("torch", torch.device("cpu"))
    'torch'
    """
    if backend not in BACKENDS:
        raise ConfigError(f"backend: {backend!r}", f"use one of {', '.join(BACKENDS)}")
    if backend in ("openvino", "onnxruntime"):
        _require(backend, device)
    if backend != "auto":
        return backend
    if device.type == "cuda":
        return "torch-bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "torch"
    if device.type != "cpu":
        return "torch"
    if has_bf16_units():
        return "torch-bf16"
    return "openvino" if find_spec("openvino") else "torch"


def _require(backend: str, device: torch.device) -> None:
    if device.type != "cpu":
        raise ConfigError(f"backend: {backend} runs on the CPU, not on {device}", "use auto")
    if not find_spec(backend):
        raise ConfigError(f"backend: {backend} is not installed", f"pip install {backend}")


@dataclass(eq=False)
class BackendInferer(Inferer):
    """Run another inferer with the network computed by the fastest backend of this machine.

    At first use the fast network is compared with the float32 one on one window; where the
    relative difference (L2) is above 0.1 it is not used, which the log says.

    Parameters
    ----------
    inferer
        How the network is applied: in windows, slice by slice.
    backend
        ``auto``, or what `choose_backend` may return.
    weights
        Files of weights. Of several, the class scores are averaged: group of windows by group
        where ``inferer`` ``averages_members`` (`GridInferer`), else image by image. A single file
        is in the network already.

    Examples
    --------
    >>> from monai.inferers import SimpleInferer
    >>> network = torch.nn.Conv2d(1, 2, 3).eval()
    >>> BackendInferer(SimpleInferer(), "torch-bf16")(torch.ones(1, 1, 4, 4), network).dtype
    torch.bfloat16
    """

    inferer: Inferer
    backend: str = "auto"
    weights: Sequence[str | Path] = ()
    _kept: dict[Any, Network] = field(default_factory=dict, init=False)
    _tried: set[Any] = field(default_factory=set, init=False)
    _logged: bool = field(default=False, init=False)

    def __call__(
        self, inputs: torch.Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Return what ``inferer`` returns for ``inputs`` of shape (batch, channels, x, y[, z])."""

        if not isinstance(network, torch.nn.Module):
            raise TypeError(f"network: {type(network).__name__}, expected a torch.nn.Module")

        def run(images: torch.Tensor) -> torch.Tensor:
            with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
                return self._fast(network, images, ensemble.member)(images)

        ensemble = Ensemble(network, self.weights if len(self.weights) > 1 else (), run)
        if not ensemble.files:
            return self.inferer(inputs, run, *args, **kwargs)
        if getattr(self.inferer, "averages_members", False):
            return self.inferer(inputs, ensemble, *args, **kwargs)
        return self._mean([self.inferer(inputs, run, *args, **kwargs) for _ in ensemble.iterate()])

    def _mean(self, outputs: Sequence[Any]) -> torch.Tensor:
        if not all(
            isinstance(output, torch.Tensor) and output.is_floating_point() for output in outputs
        ):
            raise ConfigError(
                f"weights: {len(outputs)} files, but {type(self.inferer).__name__} returns no class "
                "scores that could be averaged",
                "give one file, or use lamina.inference.GridInferer",
            )
        return sum(output.float() for output in outputs) / len(outputs)

    def _fast(self, network: torch.nn.Module, images: torch.Tensor, member: str | None) -> Network:
        # The fast network is built again when weights are loaded or trained.
        values = itertools.chain(network.parameters(), network.buffers())
        weights = member or tuple((id(value), value._version) for value in values)
        state = (id(network), weights, images.shape[2:], images.device)
        if state not in self._kept:
            chosen = choose_backend(self.backend, images.device)
            if member is None or chosen not in SLOW_TO_MAKE:
                self._kept.clear()
            if not self._logged:
                logger.info("the network runs with %s on %s", chosen, images.device)
                self._logged = True
            fast = fast_network(network, images, chosen, check=state not in self._tried)
            self._kept[state] = fast
            if fast is not network:
                self._tried.add(state)
        return self._kept[state]


def fast_network(
    network: torch.nn.Module, images: torch.Tensor, backend: str, check: bool = True
) -> Network:
    """Return ``network`` as the backend computes it, checked against float32.

    Parameters
    ----------
    network
        In evaluation mode, on the device of ``images``.
    images
        The first batch of windows.
    backend
        As for `choose_backend`.
    check
        False where the same network was checked before.
    """
    chosen = choose_backend(backend, images.device)
    if chosen == "torch":
        return network
    fast = BUILD[chosen](network, images)
    if not check:
        return fast
    difference = relative_difference(network(images[:1]), fast(images[:1]))
    if difference <= TOLERANCE:
        return fast
    logger.warning(
        "%s differs from float32 for this network (relative difference %.2g, at most "
        "%.2g): float32 is used, which is slower",
        chosen,
        difference,
        TOLERANCE,
    )
    return network


def bf16_network(network: torch.nn.Module, example: torch.Tensor) -> Network:
    """Return a copy of ``network`` in bfloat16: channels-last, norms folded."""
    form = channels_last(example.ndim - 2)
    fast = fold_norms(network).to(dtype=torch.bfloat16, memory_format=form)  # type: ignore[call-overload]
    return lambda images: fast(images.to(dtype=torch.bfloat16, memory_format=form))


BUILD: dict[str, Callable[[torch.nn.Module, torch.Tensor], Network]] = {
    "torch-bf16": bf16_network,
    "openvino": openvino_network,
    "onnxruntime": onnx_network,
}


def fold_norms(network: torch.nn.Module) -> torch.nn.Module:
    """Return a copy of a trained network whose batch norms are folded into its convolutions.

    Its output is the same; a network that torch.fx can't follow is copied as it is.

    ``network``: in evaluation mode.

    >>> network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2)).eval()
    >>> [type(module).__name__ for module in fold_norms(network).children()]
    ['Conv2d', 'Identity']
    """
    network = copy.deepcopy(network)
    try:
        traced = symbolic_trace(network)
    except Exception as reason:  # noqa: BLE001 - the errors of tracing have no common type
        logger.debug("norms are not folded, torch.fx can't follow the network: %s", reason)
        return network
    modules = dict(traced.named_modules())
    for node in list(traced.graph.nodes):
        before = node.args[0] if node.op == "call_module" and node.args else None
        if isinstance(before, Node) and _foldable(node, before, modules):
            _fold(traced, str(before.target), str(node.target), modules)
    return traced


def _foldable(node: Node, before: Node, modules: dict[str, torch.nn.Module]) -> bool:
    """Say whether ``node`` is a norm of a convolution's output that nothing else uses."""
    if before.op != "call_module" or len(before.users) != 1:
        return False
    norm, conv = modules[str(node.target)], modules[str(before.target)]
    uses = [other.target for other in node.graph.nodes if other.op == "call_module"]
    return (
        isinstance(norm, _BatchNorm)
        and norm.track_running_stats
        and isinstance(conv, _ConvNd)
        and uses.count(node.target) == uses.count(before.target) == 1
    )


def _fold(
    traced: GraphModule, conv_name: str, norm_name: str, modules: dict[str, torch.nn.Module]
) -> None:
    conv, norm = modules[conv_name], modules[norm_name]
    turned = isinstance(conv, _ConvTransposeNd)
    modules[conv_name] = fuse_conv_bn_eval(conv, norm, transpose=turned)  # type: ignore[arg-type, type-var]
    traced.set_submodule(conv_name, modules[conv_name])
    traced.set_submodule(norm_name, torch.nn.Identity())
