"""A label brought onto its image's grid, where it is clear how."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lamina.cases.grid import Grid, grid_difference
from lamina.errors import GeometryError
from lamina.planning.misfit import describe_misfit

LOST = 0.01
"""Share of the structures that may lie outside of the image."""
PROPORTION = 0.01
"""By which the sides of two pictures of one scene may differ in proportion."""

Label = NDArray[np.int32]


@dataclass(frozen=True)
class Refitted:
    """A label on its image's grid, and what was done to bring it there."""

    label: Label
    done: str


def refit(label: Label, grid: Grid, image: Grid, tolerance_mm: float) -> Refitted | None:
    """Return a label on its image's grid, or None where it lies there already.

    Re-stamped, that is, given the image's place in space with its voxels as they are, is a label
    of the image's size that lies beside it by ``tolerance_mm`` at most, or whose header says
    nothing (the identity). Any other is resampled by nearest neighbour where both have a place in
    space. Pictures are resized if they have the same proportions.

    Raises
    ------
    GeometryError
        If it is unclear where the label belongs.
    """
    misfit = describe_misfit(grid, image)
    if misfit is None:
        return None
    if label.ndim != len(image.shape):
        raise GeometryError(f"{misfit}: a picture and a volume")
    if grid.shape == image.shape and _same_but_for_header(grid, image, tolerance_mm):
        return Refitted(label, f"re-stamped with its image's place in space ({misfit})")
    if "px" in (grid.unit, image.unit):
        return Refitted(_resized(label, image, misfit), f"resized by nearest neighbour ({misfit})")
    if label.ndim != 3:
        raise GeometryError(f"{misfit}: pictures with a place in space are not resampled")
    return Refitted(
        _resampled(label, grid, image, misfit), f"resampled by nearest neighbour ({misfit})"
    )


def _same_but_for_header(grid: Grid, image: Grid, tolerance_mm: float) -> bool:
    if "px" in (grid.unit, image.unit):
        return True
    silent = np.allclose(np.abs(grid.affine), np.eye(4))
    near = grid_difference(grid, image, tolerance_mm / min(grid.spacing)) is None
    return silent or near


def _resized(label: Label, image: Grid, misfit: str) -> Label:
    scales = [want / have for want, have in zip(image.shape, label.shape, strict=True)]
    if max(scales) > (1 + PROPORTION) * min(scales):
        raise GeometryError(f"{misfit}: of other proportions, so that it may be cut or turned")
    indices = [
        ((np.arange(want) + 0.5) / scale).astype(int).clip(0, have - 1)
        for want, scale, have in zip(image.shape, scales, label.shape, strict=True)
    ]
    return label[np.ix_(*indices)]


def _resampled(label: Label, grid: Grid, image: Grid, misfit: str) -> Label:
    outside = _share_outside(label, np.linalg.inv(image.affine) @ grid.affine, image)
    if outside > LOST:
        raise GeometryError(f"{misfit}: {outside:.0%} of its structures would lie outside")
    from_image = np.linalg.inv(grid.affine) @ image.affine
    return np.asarray(
        ndimage.affine_transform(
            label, from_image[:3, :3], from_image[:3, 3], image.shape, order=0, mode="nearest"
        ),
        dtype=np.int32,
    )


def _share_outside(label: Label, to_image: NDArray[np.float64], image: Grid) -> float:
    """Return the share of what is not the most frequent value that lies beside the image."""
    values, counts = np.unique(label, return_counts=True)
    places = np.argwhere(label != values[counts.argmax()])
    if not len(places):
        return 0.0
    inside = places @ to_image[:3, :3].T + to_image[:3, 3]
    beside = ((inside < -0.5) | (inside > np.array(image.shape) - 0.5)).any(axis=1)
    return float(beside.mean())
