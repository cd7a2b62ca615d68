"""The number format of a network, and the memory layout of its input."""

import logging
import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch
from monai.inferers import Inferer

from lamina.errors import ConfigError
from lamina.inference.compiled import CompiledNetwork

TOLERANCE = 0.1
"""Relative difference up to which bfloat16 is accepted."""

logger = logging.getLogger("lamina")

PRECISIONS = ("auto", "fp32", "bf16")


@cache
def has_bf16_units() -> bool:
    """Say whether this processor computes in bfloat16 by itself (AMX or AVX512-BF16).

    Without these units bfloat16 is emulated, and slower than float32.

    >>> isinstance(has_bf16_units(), bool)
    True
    """
    able = torch.cpu.get_capabilities()
    return bool(able.get("amx_bf16") or able.get("avx512_bf16"))


def choose_precision(precision: str, device: torch.device) -> str:
    """Return ``fp32`` or ``bf16`` for ``auto``: bf16 on a CPU that has units for it.

    On CUDA, MONAI's own ``amp`` does it, so that ``auto`` is ``fp32`` here.

    >>> choose_precision("fp32", torch.device("cpu"))
    'fp32'
    """
    if precision not in PRECISIONS:
        raise ConfigError(f"precision: {precision!r}", f"use one of {', '.join(PRECISIONS)}")
    if precision != "auto":
        return precision
    return "bf16" if device.type == "cpu" and has_bf16_units() else "fp32"


def channels_last(dims: int) -> torch.memory_format:
    """Return torch's memory format for images of 2 or 3 axes.

    >>> channels_last(3)
    torch.channels_last_3d
    """
    return torch.channels_last_3d if dims == 3 else torch.channels_last


def to_device(network: torch.nn.Module, device: torch.device, dims: int) -> torch.nn.Module:
    """Move a network to ``device``, its weights channels-last, which CPUs and GPUs run faster.

    >>> conv = to_device(torch.nn.Conv2d(2, 4, 3), torch.device("cpu"), 2)
    >>> conv.weight.is_contiguous(memory_format=torch.channels_last)
    True
    """
    return network.to(device=device, memory_format=channels_last(dims))  # type: ignore[call-overload]


class AutocastInferer(Inferer):
    """Run another inferer with the network in the precision that suits the device.

    For training and its validation, since MONAI's trainer knows only ``torch.autocast("cuda")``; a
    trained network runs faster by `BackendInferer`. Outputs are float32 again: losses, blending and
    metrics stay exact.

    Parameters
    ----------
    inferer
        How the network is applied: at once, in windows, slice by slice.
    precision
        ``auto``, ``fp32`` or ``bf16``.
    compiled
        Whether a network in training is compiled (see `pays_to_compile`).

    Examples
    --------
    >>> from monai.inferers import SimpleInferer
    >>> inferer = AutocastInferer(SimpleInferer(), precision="bf16")
    >>> inferer(torch.ones(1, 1, 4, 4), torch.nn.Conv2d(1, 2, 3)).dtype
    torch.float32
    """

    def __init__(
        self, inferer: Inferer, precision: str = "auto", *, compiled: bool = False
    ) -> None:
        super().__init__()
        self.inferer = inferer
        self.precision = precision
        self.compiled = CompiledNetwork(torch.compile) if compiled else None
        self.trusted: dict[torch.Size, bool] = {}

    def __call__(
        self, inputs: torch.Tensor, network: Callable[..., torch.Tensor], *args: Any, **kwargs: Any
    ) -> Any:
        """Return what ``inferer`` returns for ``inputs`` of shape (batch, channels, x, y[, z])."""
        wanted = choose_precision(self.precision, inputs.device) == "bf16"

        def run(images: torch.Tensor, *more: Any, **options: Any) -> torch.Tensor:
            images = images.contiguous(memory_format=channels_last(images.ndim - 2))
            bf16 = wanted and self._trusts_bf16(network, images)
            with torch.autocast(images.device.type, torch.bfloat16, enabled=bf16):
                result = self._quickest(network)(images, *more, **options)
            return result.float() if bf16 else result

        return self.inferer(inputs, run, *args, **kwargs)

    def _quickest(self, network: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        if self.compiled and isinstance(network, torch.nn.Module) and network.training:
            return partial(self.compiled, network)
        return network

    def _trusts_bf16(self, network: Callable[..., torch.Tensor], images: torch.Tensor) -> bool:
        """Compare with float32 once for each size of images, and fall back where it differs."""
        size = images.shape[2:]
        if size not in self.trusted:
            difference = bf16_difference(network, images)
            self.trusted[size] = difference <= TOLERANCE
            if not self.trusted[size]:
                logger.warning(
                    "bfloat16 differs from float32 for this network and images of %s "
                    "(relative difference %.2g, at most %.2g): float32 is used, which is slower",
                    " × ".join(map(str, size)),
                    difference,
                    TOLERANCE,
                )
        return self.trusted[size]


def bf16_difference(network: Callable[..., torch.Tensor], images: torch.Tensor) -> float:
    """Return how far a network's bfloat16 output is from its float32 one, relative (L2).

    Infinite where it is not finite. oneDNN on AMX computes wrong numbers for some strided
    convolutions (pytorch#169688), without an error; a correct network differs by about 0.01.

    >>> bf16_difference(torch.nn.Conv2d(1, 2, 3), torch.ones(1, 1, 8, 8)) < 0.02
    True
    """
    modules = [network] if isinstance(network, torch.nn.Module) else []
    training = [module for module in modules if module.training]
    for module in training:
        module.eval()  # neither running statistics nor random numbers are touched
    with torch.no_grad():
        exact = network(images[:1])
        with torch.autocast(images.device.type, torch.bfloat16):
            fast = network(images[:1]).float()
    for module in training:
        module.train()
    return relative_difference(exact, fast)


def relative_difference(exact: torch.Tensor, other: torch.Tensor) -> float:
    """Return how far ``other`` is from ``exact``, relative (L2); infinite if it is not finite.

    >>> round(relative_difference(torch.ones(4), torch.tensor([1.0, 1.0, 1.0, 1.2])), 2)
    0.1
    """
    difference = float((other.float() - exact).norm() / exact.norm().clamp_min(1e-12))
    return difference if math.isfinite(difference) else math.inf
