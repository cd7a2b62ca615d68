"""The grid of an image: its size, its place in space, and whether that place is known."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lamina.errors import ConfigError, GeometryError

Unit = Literal["mm", "px"]

_SMALLEST_VOLUME = 1e-3


@dataclass(frozen=True)
class Grid:
    """Size of an image and the affine from its indices to RAS+ space.

    ``shape`` is (x, y) or (x, y, z), without channels. ``affine`` is 4×4, in mm. Where the file
    does not say how large a pixel is, ``unit`` is "px" and the affine is the identity.
    """

    shape: tuple[int, ...]
    affine: NDArray[np.float64]
    unit: Unit = "mm"

    @property
    def spacing(self) -> tuple[float, ...]:
        """Distance of neighbouring samples along each axis, in ``unit``."""
        lengths = np.linalg.norm(self.affine[:3, : len(self.shape)], axis=0)
        return tuple(float(length) for length in lengths)

    @property
    def voxel_size(self) -> float:
        """Volume of a voxel, or of a picture area of a pixel, in ``unit``³ or ``unit``².

        It is what the axes span, which for a tilted gantry is less than the product of their
        spacings.

        >>> tilted = np.array([[2.0, 0, 0, 0], [0, 2, 3, 0], [0, 0, 5, 0], [0, 0, 0, 1]])
        >>> round(Grid((10, 20, 30), tilted).voxel_size, 9), Grid((10, 20), tilted).voxel_size
        (20.0, 4.0)
        """
        axes = self.affine[:3, : len(self.shape)].T
        if len(axes) == 2:
            return float(np.linalg.norm(np.cross(*axes)))
        return float(abs(np.linalg.det(axes)))


def pixel_grid(shape: tuple[int, ...]) -> Grid:
    """Return the grid of an image that says nothing about physical size.

    >>> pixel_grid((640, 480)).spacing
    (1.0, 1.0)
    """
    return Grid(shape, np.eye(4), "px")


def with_pixel_size(grid: Grid, size: Sequence[float] | None) -> Grid:
    """Return the grid of a picture whose pixels have a size in mm; of other images as it is.

    A volume that does not say how large its voxels are stays so: a pixel's size says nothing of
    the distance of its slices.

    >>> with_pixel_size(pixel_grid((640, 480)), (0.1, 0.2)).spacing
    (0.1, 0.2)
    """
    if size is None or grid.unit != "px" or len(grid.shape) != 2:
        return grid
    return Grid(grid.shape, np.diag([*size, *[1.0] * 2]), "mm")


def require_pixel_size(size: Sequence[float] | None) -> None:
    """Refuse what is not the size of a pixel; None, where it is not known, is none.

    Raises
    ------
    ConfigError
        If the size is not a width and a height above 0.
    """
    if size is None:
        return
    if len(size) != 2 or not all(0 < length < math.inf for length in size):
        raise ConfigError(
            f"pixel_size {list(size)}: expected a width and a height in mm",
            "write it as 0.01,0.004",
        )


def lps_to_ras(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an affine of DICOM or ITK space (LPS+) as one of NIfTI space (RAS+).

    >>> lps_to_ras(np.eye(4)).diagonal().tolist()
    [-1.0, -1.0, 1.0, 1.0]
    """
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def require_affine(affine: NDArray[np.float64], path: Path) -> None:
    """Refuse an affine that does not give each voxel a place of its own.

    However small the voxels are, their axes must have a length and not lie in one plane: the
    volume that the axes' directions span is at least a thousandth.

    Raises
    ------
    GeometryError
        If it is singular or not finite; the message names the file.
    """
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if np.isfinite(affine).all() and lengths.min() > 0:
        directions = affine[:3, :3] / lengths
        if abs(np.linalg.det(directions)) > _SMALLEST_VOLUME:
            return
    raise GeometryError(
        f"{path}: the affine {affine.tolist()} does not say where the voxels lie",
        "write the file again with valid spacing and directions",
    )


def grid_difference(first: Grid, second: Grid, tolerance: float = 0.1) -> str | None:
    """Say how two grids differ, or return None where they are the same.

    Grids are the same if their sizes are equal and no corner lies further apart than
    ``tolerance`` times the smallest spacing of the first. Where one of them has no physical size
    (a picture), the size in pixels alone is compared.

    >>> grid_difference(pixel_grid((4, 5)), pixel_grid((5, 4)))
    'size 4×5 against 5×4'
    """
    if first.shape != second.shape:
        return f"size {format_size(first.shape)} against {format_size(second.shape)}"
    if "px" in (first.unit, second.unit):
        return None
    apart = _largest_distance(first, second)
    if apart <= tolerance * min(first.spacing):
        return None
    return (
        f"voxels lie up to {apart:.3g} mm apart: affine {_format_affine(first.affine)} "
        f"against {_format_affine(second.affine)}"
    )


def format_size(shape: tuple[int, ...]) -> str:
    """Return a size as people write it.

    >>> format_size((10, 20, 30))
    '10×20×30'
    """
    return "×".join(str(length) for length in shape)


def _largest_distance(first: Grid, second: Grid) -> float:
    ends = [(0, length - 1) for length in first.shape] + [(0,)] * (3 - len(first.shape))
    corners = np.array([(*corner, 1) for corner in itertools.product(*ends)], dtype=float)
    offsets = corners @ (first.affine - second.affine).T
    return float(np.linalg.norm(offsets[:, :3], axis=1).max())


def _format_affine(affine: NDArray[np.float64]) -> str:
    return str(np.round(affine[:3], 3).tolist())
