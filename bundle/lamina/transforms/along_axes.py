"""Linear interpolation of an image one axis at a time, plane by plane."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Steps = tuple[torch.Tensor, torch.Tensor]
"""For each index along a new axis its two neighbours (n, 2) on the old one, and their shares."""


def interpolate(places: NDArray[np.floating[Any]], size: int, border: bool) -> Steps:
    """Return taps and weights of linear interpolation at ``places`` of an axis of ``size``.

    Beyond the axis its first or last value goes on (``border``), or there is nothing.

    >>> interpolate(np.array([0.25, 9.0]), 3, border=True)[1].tolist()
    [[0.75, 0.25], [1.0, 0.0]]
    """
    x = torch.as_tensor(places)
    x = x.clamp(0, size - 1) if border else x
    low = x.floor()
    share = (x - low).float()
    taps = torch.stack([low, low + 1], 1).long()
    weights = torch.stack([1 - share, share], 1)
    weights[(taps < 0) | (taps >= size)] = 0
    return taps.clamp(0, size - 1), weights


def resample(values: torch.Tensor, steps: Sequence[Steps]) -> torch.Tensor:
    """Return an image on another grid, whose axes lie along those of its own.

    Plane by plane along the first axis, so that no more than the result is held beside the image.

    Parameters
    ----------
    values
        (channels, x, y[, z]).
    steps
        For each axis, of `interpolate`.

    Returns
    -------
    The image in float32.

    Examples
    --------
    >>> middle = interpolate(np.array([0.5]), 2, border=True)
    >>> resample(torch.tensor([[[0.0, 1.0], [2.0, 3.0]]]), [middle, middle])
    tensor([[[1.5000]]])
    """
    (taps, weights), *others = steps
    shape = [len(one) for one, _ in steps]
    made = torch.empty(len(values), *shape, dtype=torch.float32, device=values.device)
    rows = zip(taps.tolist(), weights.tolist(), strict=True)
    for index, ((low, high), (first, second)) in enumerate(rows):
        plane = values[:, low] * first
        if second:
            plane = plane.add_(values[:, high], alpha=second)
        for axis, step in enumerate(others):
            plane = _along(plane.float(), axis + 1, step)
        made[:, index] = plane
    return made


def _along(plane: torch.Tensor, axis: int, steps: Steps) -> torch.Tensor:
    taps, weights = (one.to(plane.device) for one in steps)
    shape = [-1 if i == axis else 1 for i in range(plane.ndim)]
    low, high = (plane.index_select(axis, column) for column in taps.T)
    first, second = (column.reshape(shape) for column in weights.T)
    return low.mul_(first).addcmul_(high, second)
