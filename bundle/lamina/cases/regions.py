"""A part of an image that another task has found: what lies there, and nothing around it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lamina.errors import DataError
from lamina.readers.formats import SUFFIXES

Box = tuple[slice, ...]

MARGIN = 0.05
"""How much of a region's own extent is kept around it on each side."""


def region_box(region: NDArray[np.bool_], margin: float = MARGIN) -> Box:
    """Return the box around a region, grown by a share of its own extent, within the image.

    Raises
    ------
    DataError
        If there is no region.

    Examples
    --------
    >>> region = np.zeros((20, 30), dtype=bool)
    >>> region[5:15, 10:12] = True
    >>> region_box(region, margin=0.1)
    (slice(4, 16, None), slice(9, 13, None))
    """
    if not region.any():
        raise DataError("the region is empty: the task before found nothing in this image")
    box = []
    for axis, size in enumerate(region.shape):
        others = tuple(other for other in range(region.ndim) if other != axis)
        found = np.flatnonzero(region.any(axis=others))
        start, stop = int(found[0]), int(found[-1]) + 1
        more = int(np.ceil(margin * (stop - start)))
        box.append(slice(max(start - more, 0), min(stop + more, size)))
    return tuple(box)


def without_holes(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a region with its holes filled: what a first task misses may be what is looked for.

    >>> ring = np.ones((3, 3), dtype=bool)
    >>> ring[1, 1] = False
    >>> bool(without_holes(ring).all())
    True
    """
    filled: NDArray[np.bool_] = ndimage.binary_fill_holes(region)
    return filled


def outside_value(image: Any) -> float:
    """Return what stands for nothing around a region: the image's smallest value."""
    return float(image.min())


def with_regions(
    items: Iterable[Mapping[str, str]], folder: str | Path | None
) -> list[dict[str, str]]:
    """Give each item of a data set the label image of its case, as ``within``.

    Parameters
    ----------
    items
        With ``case``.
    folder
        Where another task wrote its label images; None leaves the items as they are.
    """
    if folder is None:
        return [dict(item) for item in items]
    return [{**item, "within": str(region_file(Path(folder), item["case"]))} for item in items]


def region_file(folder: Path, case: str) -> Path:
    """Return the label image of a case; where there is none, the name that reading will miss."""
    names = [folder / f"{case}{suffix}" for suffix in (".png", *SUFFIXES)]
    return next((path for path in names if path.is_file()), names[0])
