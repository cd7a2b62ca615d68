"""Errors of a layer's boundaries and thickness along the depth of a scan.

A layer is looked at in each A-scan (each line of voxels along the depth axis): it begins at its
first voxel, ends behind its last, and is as thick as it has voxels.
"""

import numpy as np
from numpy.typing import NDArray

from lamina.metrics.confusion import check_same_shape

LAYER_METRICS = ("boundary_error", "thickness_error")

Mask = NDArray[np.bool_]


def layer_scores(
    prediction: Mask, reference: Mask, depth_axis: int, depth_spacing: float
) -> dict[str, float]:
    """Return the metrics of ``LAYER_METRICS`` for one layer, each a mean of absolute errors.

    Both are taken over the A-scans that hold the layer in either mask. The boundary error is the
    mean of the upper and the lower boundary's; where only one mask holds the layer, its thickness
    there counts as the error of both boundaries, so that no A-scan is dropped. A layer that is
    missed or false throughout has the depth of the image as its boundary error.

    Parameters
    ----------
    prediction, reference
        Masks of one shape, (x, y) or (x, y, z).
    depth_axis
        The array's axis along which the layers lie on each other.
    depth_spacing
        The distance of voxels along it, in the unit that the result shall have (µm).

    Returns
    -------
    dict
        NaN throughout where the layer is in neither mask.

    Raises
    ------
    GeometryError
        If the shapes differ.

    Examples
    --------
    >>> reference, prediction = np.zeros((2, 4, 9), dtype=bool)
    >>> reference[:, 2:5], prediction[:, 3:5] = True, True
    >>> layer_scores(prediction, reference, depth_axis=1, depth_spacing=4.0)
    {'boundary_error': 2.0, 'thickness_error': 4.0}
    """
    check_same_shape(prediction, reference)
    predicted, true = (np.moveaxis(mask, depth_axis, -1) for mask in (prediction, reference))
    either = predicted.any(axis=-1) | true.any(axis=-1)
    if not either.any():
        return dict.fromkeys(LAYER_METRICS, float("nan"))
    predicted, true = predicted[either], true[either]
    thickness = np.abs(predicted.sum(axis=-1) - true.sum(axis=-1))
    return {
        "boundary_error": float(_boundary_error(predicted, true) * depth_spacing),
        "thickness_error": float(thickness.mean() * depth_spacing),
    }


def _boundary_error(predicted: Mask, true: Mask) -> float:
    """Mean over A-scans (lines of the two arrays) in voxels."""
    if not (predicted.any() and true.any()):
        return float(true.shape[-1])
    apart = [np.abs(a - b) for a, b in zip(_boundaries(predicted), _boundaries(true), strict=True)]
    thickness = np.maximum(predicted.sum(axis=-1), true.sum(axis=-1))
    in_both = predicted.any(axis=-1) & true.any(axis=-1)
    return float(np.where(in_both, np.mean(apart, axis=0), thickness).mean())


def _boundaries(layer: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first voxel and the one behind the last, in each A-scan."""
    return layer.argmax(axis=-1), layer.shape[-1] - layer[..., ::-1].argmax(axis=-1)
