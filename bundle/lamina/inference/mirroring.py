"""Test-time augmentation: averages over mirror images, along axes that training mirrored."""

import itertools
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from monai.bundle import ConfigParser

from lamina.errors import ConfigError
from lamina.tasks.labels import Label, named_side

logger = logging.getLogger("lamina")


def mirror_axes(
    tta: str | None, augmentation: Any, labels: Sequence[Label], spatial_dims: int
) -> list[int]:
    """Return the axes for test-time augmentation (`mirrored`).

    These are the axes that the task mirrors in training, without x where a structure's name says
    left or right, since mirroring would exchange classes.

    Parameters
    ----------
    tta
        ``mirror``, or None for no axis.
    augmentation
        The task's, as its JSON has it; each ``flip_axes`` in it counts.
    labels
        The task's classes.
    spatial_dims
        Of the network.

    Raises
    ------
    ConfigError
        If no axis is left, with the reason.

    Examples
    --------
    >>> flips = [{"_target_": "lamina.transforms.RandAffineBatchd", "flip_axes": [0, 2]}]
    >>> mirror_axes("mirror", flips, [Label(1, "lung", (0, 0, 0))], 3)
    [0, 2]
    """
    if tta is None:
        return []
    if tta != "mirror":
        raise ConfigError(f"tta: {tta!r}", "use mirror, or leave it out")
    given = {axis for axes in _flips(augmentation) for axis in _read(axes, spatial_dims)}
    trained = sorted(axis for axis in given if axis < spatial_dims)
    side = named_side(label.name for label in labels)
    axes = [axis for axis in trained if axis or not side]
    if not axes:
        why = f"left and right are classes ({side})" if side else "it was trained without flip_axes"
        raise ConfigError(
            f"tta: mirror, but the task may be mirrored along no axis: {why}", "leave out --tta"
        )
    if len(axes) < len(trained):
        logger.info("not mirrored along x, since %r names a side", side)
    named = ", ".join("xyz"[axis] for axis in axes)
    logger.info("each window is averaged over %d mirror images (%s)", 2 ** len(axes), named)
    return axes


def _flips(node: Any) -> Iterator[Any]:
    if isinstance(node, Mapping):
        if "flip_axes" in node:
            yield node["flip_axes"]
        for value in node.values():
            yield from _flips(value)
    elif isinstance(node, list):
        for value in node:
            yield from _flips(value)


def _read(axes: Any, spatial_dims: int) -> list[int]:
    """Evaluate what may be an expression, as ``$list(range(@spatial_dims))``."""
    parser = ConfigParser({"spatial_dims": spatial_dims, "axes": axes})
    return list(parser.get_parsed_content("axes"))


def mirrored(
    network: Callable[[torch.Tensor], torch.Tensor], axes: Sequence[int]
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a function that averages a network's scores over all mirrorings along ``axes``.

    Parameters
    ----------
    network
        Takes and returns (windows, channels, x, y[, z]).
    axes
        0 is x; two axes are four mirrorings, which take four times as long.

    Raises
    ------
    ConfigError
        If an axis is none of x, y, z.

    Examples
    --------
    >>> slope = lambda x: x * torch.arange(3.0)
    >>> mirrored(slope, [0])(torch.ones(1, 1, 3)).tolist()
    [[[1.0, 1.0, 1.0]]]
    """
    if any(axis not in (0, 1, 2) for axis in axes) or len(set(axes)) < len(axes):
        raise ConfigError(f"mirror_axes: {list(axes)}", "name some of 0 (x), 1 (y) and 2 (z), once")
    flips = [
        [axis + 2 for axis in chosen]
        for count in range(len(axes) + 1)
        for chosen in itertools.combinations(axes, count)
    ]

    def mean(images: torch.Tensor) -> torch.Tensor:
        total = network(images).float()
        for flip in flips[1:]:
            total = total + network(images.flip(flip)).flip(flip)
        return total / len(flips)

    return mean if axes else network
