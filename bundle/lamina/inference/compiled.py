"""A network whose elementwise steps torch's compiler joins, where that is worth a minute."""

import logging
import os
import shutil
from collections.abc import Callable, Sequence
from typing import Any

import torch
from monai.data import MetaTensor

from lamina.errors import ConfigError

SETTINGS = ("auto", "always", "never")

logger = logging.getLogger("lamina")


def pays_to_compile(
    setting: str, device: torch.device, patch_size: Sequence[int], patches: float, least: float
) -> bool:
    """Say whether a training is compiled.

    ``auto`` does so in 2D on a CPU, if there is a C++ compiler and enough to compute. In 3D no gain
    was measured.

    Parameters
    ----------
    setting
        ``auto``, ``always`` or ``never``.
    device
        Where the network runs.
    patch_size
        Pixels of a patch along each axis.
    patches
        Patches from the first epoch to the last.
    least
        Pixels that training must have for ``auto`` to compile.

    Raises
    ------
    ConfigError
        If there is no such setting.

    Examples
    --------
    >>> pays_to_compile("auto", torch.device("cpu"), (64, 64), 10, least=1e8)
    False
    """
    if setting not in SETTINGS:
        raise ConfigError(f"compile: {setting!r}", f"use one of {', '.join(SETTINGS)}")
    if setting != "auto":
        return setting == "always"
    enough = patches * torch.Size(patch_size).numel() >= least
    return device.type == "cpu" and len(patch_size) == 2 and enough and _has_compiler()


def _has_compiler() -> bool:
    names = (os.environ.get("CXX"), "g++", "clang++")
    return any(name and shutil.which(name) for name in names)


class CompiledNetwork:
    """Runs a network compiled for images of the first size it sees, and uncompiled for others.

    Each size is compiled separately, which takes a minute: the last batch of an epoch, which may be
    smaller, is not worth it. Where the compiler fails, a warning is logged and the network runs
    uncompiled.

    ``compiler``: `torch.compile`, or a function like it.

    >>> quick = CompiledNetwork(lambda network, **_: network)
    >>> quick(torch.nn.Conv2d(1, 3, 1), torch.ones(2, 1, 4, 4)).shape
    torch.Size([2, 3, 4, 4])
    """

    def __init__(self, compiler: Callable[..., Any]) -> None:
        self.compiler = compiler
        self.compiled: Callable[..., torch.Tensor] | None = None
        self.size: torch.Size | None = None

    def __call__(self, network: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        """Return the network's output for ``images``, (batch, channels, x, y[, z])."""
        if self.size is None:
            self.size = images.shape
            return self._first(network, images)
        if self.compiled is None or images.shape != self.size:
            return network(images)
        return self.compiled(_plain(images))

    def _first(self, network: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        logger.info("the network is compiled once, which takes about a minute (--compile never)")
        try:
            compiled = self.compiler(network, dynamic=False)
            result: torch.Tensor = compiled(_plain(images))
        except RuntimeError as error:  # as all that torch's compiler raises
            reason = str(error).strip().splitlines()[0]
            logger.warning("the network can't be compiled, and runs uncompiled: %s", reason)
            return network(images)
        self.compiled = compiled
        return result


def _plain(images: torch.Tensor) -> torch.Tensor:
    return images.as_tensor() if isinstance(images, MetaTensor) else images
