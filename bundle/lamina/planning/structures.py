"""What a label holds: each structure's size, parts and place, its edge, and what is no structure."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lamina.planning.survey import Structure


def structures_in(label: NDArray[np.int32], background: int) -> Mapping[int, Structure]:
    """Return each value of a label but the background, and what it covers.

    >>> structures_in(np.array([[0, 3, 0], [0, 3, 3]], dtype=np.int32), 0)[3].voxels
    3
    """
    values = np.unique(label)
    return {int(value): _structure(label == value) for value in values if value != background}


def _structure(mask: NDArray[np.bool_]) -> Structure:
    (box,) = ndimage.find_objects(mask.astype(np.uint8))
    centre = ndimage.center_of_mass(mask[box])
    shares = [
        (at + part.start) / size for at, part, size in zip(centre, box, mask.shape, strict=True)
    ]
    return Structure(int(mask.sum()), int(ndimage.label(mask[box])[1]), tuple(shares))


def edge_value(label: NDArray[np.int32]) -> int:
    """Return the most frequent value on the sides of a picture, or of each slice."""
    plane = np.concatenate(
        [label[0].ravel(), label[-1].ravel(), label[:, 0].ravel(), label[:, -1].ravel()]
    )
    values, counts = np.unique(plane, return_counts=True)
    return int(values[counts.argmax()])


def values_between(label: NDArray[np.int32]) -> tuple[int, ...]:
    """Return values each of whose voxels lies between a lower and a higher one, as edges do."""
    values = np.unique(label)
    found = []
    for value in values[1:-1]:
        mask = label == value
        inner = ndimage.binary_erosion(mask, border_value=1)
        if not inner.any() and _at_edges(label, mask, int(value)):
            found.append(int(value))
    return tuple(found)


def _at_edges(label: NDArray[np.int32], mask: NDArray[np.bool_], value: int) -> bool:
    lower = ndimage.minimum_filter(label, size=3, mode="nearest")[mask] < value
    higher = ndimage.maximum_filter(label, size=3, mode="nearest")[mask] > value
    return bool((lower & higher).mean() > 0.95)
