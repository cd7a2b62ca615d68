"""Test-time augmentation: the mean of what a network says of an image and of its mirror images."""

import itertools
from collections.abc import Callable, Sequence

import torch

from lamina.errors import ConfigError


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
    turns = [
        [axis + 2 for axis in chosen]
        for count in range(len(axes) + 1)
        for chosen in itertools.combinations(axes, count)
    ]

    def mean(images: torch.Tensor) -> torch.Tensor:
        total = network(images).float()
        for turn in turns[1:]:
            total = total + network(images.flip(turn)).flip(turn)
        return total / len(turns)

    return mean if axes else network
