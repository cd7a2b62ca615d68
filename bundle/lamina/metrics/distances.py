"""Distances between the surfaces of a predicted and a reference structure, in the grid's unit.

The surface of a structure is its voxels that touch the outside by a face (the image's border counts
as outside), and distances run from centre to centre, as in MONAI. Unlike there, a structure that is
missed or false is never left out: it counts the diagonal of the image; and the axes need not be at
right angles, so that distances in a series of a tilted gantry are true.
"""

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion
from scipy.spatial import KDTree

from lamina.metrics.confusion import check_same_shape
from lamina.readers.grid import Grid

DISTANCE_METRICS = ("hausdorff_distance_95", "average_surface_distance", "surface_dice")

_RIGHT_ANGLE = 1e-4
"""Cosine below which an angle is a right one that a file stores with rounding."""

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]


def distance_scores(
    prediction: Mask, reference: Mask, grid: Grid, tolerance: float
) -> dict[str, float]:
    """Return the metrics of ``DISTANCE_METRICS`` for one structure.

    Parameters
    ----------
    prediction, reference
        Masks of one shape, (x, y) or (x, y, z).
    grid
        Where their voxels lie.
    tolerance
        Up to which distance surfaces agree, in the grid's unit, for the normalised surface Dice (Nikolov et
        al., 2021, doi:10.2196/26151), counted in surface voxels.

    Returns
    -------
    dict
        Hausdorff and average surface distance in the grid's unit, and surface Dice. NaN where the structure is
        in neither mask; the image's diagonal and 0 where it is in one alone.

    Raises
    ------
    GeometryError
        If the shapes differ.

    Examples
    --------
    >>> reference, prediction = np.zeros((2, 5, 7), dtype=bool)
    >>> reference[1, 2], prediction[1, 4] = True, True
    >>> grid = Grid((5, 7), np.diag([1.0, 0.5, 1.0, 1.0]))
    >>> distance_scores(prediction, reference, grid, tolerance=0.5)
    {'hausdorff_distance_95': 1.0, 'average_surface_distance': 1.0, 'surface_dice': 0.0}
    """
    check_same_shape(prediction, reference)
    if not (reference.any() or prediction.any()):
        return dict.fromkeys(DISTANCE_METRICS, float("nan"))
    if not (reference.any() and prediction.any()):
        diagonal = image_diagonal(grid)
        return dict(zip(DISTANCE_METRICS, (diagonal, diagonal, 0.0), strict=True))
    there, back = surface_distances(prediction, reference, grid)
    both = np.concatenate([there, back])
    return {
        "hausdorff_distance_95": float(max(np.percentile(there, 95), np.percentile(back, 95))),
        "average_surface_distance": float(both.mean()),
        "surface_dice": float((both <= tolerance).mean()),
    }


def surface_distances(prediction: Mask, reference: Mask, grid: Grid) -> tuple[Floats, Floats]:
    """Return the distance of each surface voxel of the prediction to the reference's, and back.

    Neither mask may be empty.

    Examples
    --------
    >>> prediction, reference = np.array([[True, False, False]]), np.array([[True, False, True]])
    >>> surface_distances(prediction, reference, Grid((1, 3), np.diag([1.0, 2.0, 1.0, 1.0])))
    (array([0.]), array([0., 4.]))
    """
    box = _bounding_box(prediction | reference)
    steps = _steps(grid)
    predicted, true = (_surface_voxels(mask[box]) @ steps for mask in (prediction, reference))
    return KDTree(true).query(predicted)[0], KDTree(predicted).query(true)[0]


def image_diagonal(grid: Grid) -> float:
    """Return the length of an image's longest diagonal: the largest distance that it can hold.

    Examples
    --------
    >>> image_diagonal(Grid((30, 40), np.diag([0.1, 0.1, 1.0, 1.0])))
    5.0
    """
    signs = list(itertools.product((1, -1), repeat=len(grid.shape)))
    return float(np.linalg.norm(np.multiply(grid.shape, signs) @ _steps(grid), axis=1).max())


def _steps(grid: Grid) -> NDArray[np.floating]:
    """Return the steps from voxel to voxel, a row an axis, in a frame turned with the image.

    Axes at right angles give their spacings alone, so that rounding sets no distance beside the
    tolerance that it equals.
    """
    axes = grid.affine[:3, : len(grid.shape)].T
    products, spacing = axes @ axes.T, np.array(grid.spacing)
    cosines = products / np.outer(spacing, spacing) - np.eye(len(axes))
    if np.abs(cosines).max() < _RIGHT_ANGLE:
        return np.diag(spacing)
    return np.linalg.cholesky(products)


def _surface_voxels(mask: Mask) -> NDArray[np.int64]:
    return np.argwhere(mask & ~binary_erosion(mask))


def _bounding_box(mask: Mask) -> tuple[slice, ...]:
    axes = range(mask.ndim)
    filled = (
        np.flatnonzero(mask.any(axis=tuple(other for other in axes if other != axis)))
        for axis in axes
    )
    return tuple(slice(int(indices[0]), int(indices[-1]) + 1) for indices in filled)
