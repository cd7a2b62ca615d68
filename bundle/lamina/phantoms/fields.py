"""Smooth random fields."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Grid = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Positions x and z in mm from the scan's centre, each of shape (x, z)."""


def smooth_field(
    rng: np.random.Generator, shape: Sequence[int], scale: Sequence[float]
) -> NDArray[np.float32]:
    """Return a Gaussian random field of mean 0 and variance 1.

    It is unbounded white noise blurred by a Gaussian of standard deviation ``scale`` (voxels, one
    per axis): the correlation over a distance d is exp(-d² / 4 scale²). A field that is
    small against its scale is thus nearly flat, and may be far from 0.

    >>> smooth_field(np.random.default_rng(0), (40, 30), (2.0, 3.0)).shape
    (40, 30)
    """
    field = rng.standard_normal(tuple(shape), dtype=np.float32)
    for axis, (size, sigma) in enumerate(zip(shape, scale, strict=True)):
        if sigma > 0:
            field = np.moveaxis(np.tensordot(_root(size, sigma), field, (1, axis)), 0, axis)
    return field


@lru_cache(maxsize=16)
def _root(size: int, sigma: float) -> NDArray[np.float32]:
    """Return the square root of the covariance matrix along one axis."""
    position = np.arange(size)
    distance = (position[:, None] - position) / sigma
    values, vectors = np.linalg.eigh(np.exp(-(distance**2) / 4))
    # Rounding may make the smallest of these positive values negative.
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    return root.astype(np.float32)
