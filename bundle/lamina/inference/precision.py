"""In which number format a network runs, and how its input lies in memory."""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from monai.inferers import Inferer

from lamina.errors import ConfigError

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


def place(network: torch.nn.Module, device: torch.device, dims: int) -> torch.nn.Module:
    """Move a network to ``device``, its weights channels-last, which CPUs and GPUs run faster.

    >>> conv = place(torch.nn.Conv2d(2, 4, 3), torch.device("cpu"), 2)
    >>> conv.weight.is_contiguous(memory_format=torch.channels_last)
    True
    """
    return network.to(device=device, memory_format=channels_last(dims))  # type: ignore[call-overload]


class AutocastInferer(Inferer):
    """Run another inferer with the network in the precision that suits the device.

    Training and inference share it, since MONAI's trainer knows only ``torch.autocast("cuda")``.
    What the network returns is float32 again: losses, blending and metrics stay exact.

    Parameters
    ----------
    inferer
        How the network is applied: at once, in windows, slice by slice.
    precision
        ``auto``, ``fp32`` or ``bf16``.

    Examples
    --------
    >>> from monai.inferers import SimpleInferer
    >>> inferer = AutocastInferer(SimpleInferer(), precision="bf16")
    >>> inferer(torch.ones(1, 1, 4, 4), torch.nn.Conv2d(1, 2, 3)).dtype
    torch.float32
    """

    def __init__(self, inferer: Inferer, precision: str = "auto") -> None:
        super().__init__()
        self.inferer = inferer
        self.precision = precision

    def __call__(
        self, inputs: torch.Tensor, network: Callable[..., torch.Tensor], *args: Any, **kwargs: Any
    ) -> Any:
        """Return what ``inferer`` returns for ``inputs`` of shape (batch, channels, x, y[, z])."""
        bf16 = choose_precision(self.precision, inputs.device) == "bf16"

        def run(images: torch.Tensor, *more: Any, **options: Any) -> torch.Tensor:
            images = images.contiguous(memory_format=channels_last(images.ndim - 2))
            with torch.autocast(images.device.type, torch.bfloat16, enabled=bf16):
                result = network(images, *more, **options)
            return result.float() if bf16 else result

        return self.inferer(inputs, run, *args, **kwargs)
