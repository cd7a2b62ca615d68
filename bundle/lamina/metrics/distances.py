"""Distances between the surfaces of a predicted and a true structure, in the spacing's unit.

The surface of a structure is its voxels that touch the outside by a face (the image's border counts
as outside), and distances run from centre to centre, as in MONAI. Unlike there, a structure that is
missed or false is never left out: it counts the diagonal of the image.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion
from scipy.spatial import KDTree

from lamina.metrics.confusion import check_same_shape

DISTANCE_METRICS = ("hausdorff_distance_95", "average_surface_distance", "surface_dice")

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]


def distance_scores(
    prediction: Mask, truth: Mask, spacing: Sequence[float], tolerance: float
) -> dict[str, float]:
    """Return the metrics of ``DISTANCE_METRICS`` for one structure.

    Parameters
    ----------
    prediction, truth
        Masks of one shape, (x, y) or (x, y, z).
    spacing
        The distance of voxel centres along each axis, in mm.
    tolerance
        Up to which distance surfaces agree, in mm, for the normalised surface Dice (Nikolov et
        al., 2021, doi:10.2196/26151), counted in surface voxels.

    Returns
    -------
    dict
        Hausdorff and average surface distance in mm, and surface Dice. NaN where the structure is
        in neither mask; the image's diagonal and 0 where it is in one alone.

    Raises
    ------
    GeometryError
        If the shapes differ.

    Examples
    --------
    >>> truth, prediction = np.zeros((2, 5, 7), dtype=bool)
    >>> truth[1, 2], prediction[1, 4] = True, True
    >>> distance_scores(prediction, truth, spacing=(1.0, 0.5), tolerance=0.5)
    {'hausdorff_distance_95': 1.0, 'average_surface_distance': 1.0, 'surface_dice': 0.0}
    """
    check_same_shape(prediction, truth)
    if not (truth.any() or prediction.any()):
        return dict.fromkeys(DISTANCE_METRICS, float("nan"))
    if not (truth.any() and prediction.any()):
        diagonal = image_diagonal(truth.shape, spacing)
        return dict(zip(DISTANCE_METRICS, (diagonal, diagonal, 0.0), strict=True))
    there, back = surface_distances(prediction, truth, spacing)
    both = np.concatenate([there, back])
    return {
        "hausdorff_distance_95": float(max(np.percentile(there, 95), np.percentile(back, 95))),
        "average_surface_distance": float(both.mean()),
        "surface_dice": float((both <= tolerance).mean()),
    }


def surface_distances(
    prediction: Mask, truth: Mask, spacing: Sequence[float]
) -> tuple[Floats, Floats]:
    """Return the distance of each surface voxel of the prediction to the truth's, and back.

    Neither mask may be empty.

    Examples
    --------
    >>> prediction, truth = np.array([[True, False, False]]), np.array([[True, False, True]])
    >>> surface_distances(prediction, truth, spacing=(1.0, 2.0))
    (array([0.]), array([0., 4.]))
    """
    box = _bounding_box(prediction | truth)
    predicted, true = (_surface_points(mask[box], spacing) for mask in (prediction, truth))
    return KDTree(true).query(predicted)[0], KDTree(predicted).query(true)[0]


def image_diagonal(shape: Sequence[int], spacing: Sequence[float]) -> float:
    """Return the length of an image's diagonal: the largest distance that it can hold.

    Examples
    --------
    >>> image_diagonal((30, 40), spacing=(0.1, 0.1))
    5.0
    """
    return float(np.linalg.norm(np.multiply(shape, spacing)))


def _surface_points(mask: Mask, spacing: Sequence[float]) -> Floats:
    return np.argwhere(mask & ~binary_erosion(mask)) * np.asarray(spacing, dtype=float)


def _bounding_box(mask: Mask) -> tuple[slice, ...]:
    axes = range(mask.ndim)
    filled = (
        np.flatnonzero(mask.any(axis=tuple(other for other in axes if other != axis)))
        for axis in axes
    )
    return tuple(slice(int(indices[0]), int(indices[-1]) + 1) for indices in filled)
