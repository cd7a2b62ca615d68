"""Values of masks that look as if they meant "not annotated" instead of a structure."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lamina.planning.survey import Defect, Survey

THIN = 2
"""Erosions that leave nothing of a ring, which also encloses as much as it covers itself."""
NEAR = 3
"""Voxels from a ring's voxel to what lies on both of its sides."""
MOST = 0.5
"""Fraction of an image that a value covers which only says that nobody drew there."""
USUAL = (255, 65535, -1)
SMALL = 64
"""Structures are numbered up to here where one of those means "ignore"; grey codes are larger."""


def looks_ignored(label: NDArray[np.int32], background: int) -> int | None:
    """Return the highest value if it is a thin ring between others, or fills most of an image.

    >>> label = np.zeros((20, 20), np.int32)
    >>> label[4:14, 4:14], label[5:13, 5:13] = 2, 1
    >>> looks_ignored(label, 0)
    2
    """
    values = np.unique(label)
    highest = int(values[-1])
    if highest == background or len(values) < 3:
        return None
    mask = label == highest
    return highest if mask.mean() > MOST or _is_ring(label, mask) else None


def _is_ring(label: NDArray[np.int32], mask: NDArray[np.bool_]) -> bool:
    (box,) = ndimage.find_objects(mask.astype(np.uint8))
    around = tuple(slice(max(side.start - NEAR, 0), side.stop + NEAR) for side in box)
    label, mask = label[around], mask[around]
    if ndimage.binary_erosion(mask, iterations=THIN).any():
        return False
    in_plane = np.zeros((3,) * mask.ndim, bool)
    in_plane[(slice(None),) * 2 + (1,) * (mask.ndim - 2)] = ndimage.generate_binary_structure(2, 1)
    filled = ndimage.binary_fill_holes(mask, in_plane)
    if filled is None or filled.sum() < 2 * mask.sum():
        return False
    inside = np.where(mask, label.max() + 1, label)
    lowest = ndimage.minimum_filter(inside, 2 * NEAR + 1)
    highest = ndimage.maximum_filter(np.where(mask, label.min() - 1, label), 2 * NEAR + 1)
    return bool((lowest < highest)[mask].mean() > 0.95)


def ignored_defects(survey: Survey) -> list[Defect]:
    """Name a value that is learned as a structure, but looks like one to be ignored."""
    found = Counter(case.ignored for case in survey.cases if case.ignored is not None)
    suspects = {value for value, count in found.items() if 2 * count > len(survey.cases)}
    for value in set(USUAL) & set(survey.values):
        others = set(survey.values) - {value}
        if others and max(others) <= SMALL:
            suspects.add(value)
    return [
        Defect(
            f"value {value} looks as if it meant 'not annotated': a thin ring between others, most "
            "of an image, or 255 beside small values; it is planned as a structure",
            f"add --ignore {value} if it shall be neither learned nor counted",
        )
        for value in sorted(suspects)
    ]
