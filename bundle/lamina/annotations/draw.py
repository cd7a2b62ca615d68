"""From shapes to class values.

A pixel belongs to a shape whose outline holds its centre, so that shapes which share an edge
neither overlap nor leave a gap. It is COCO's rasteriser, which rounds corners to a fifth of a
pixel.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from shapely import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from lamina.annotations.shapes import Bitmap, Shape

Size = tuple[int, int]


def draw(
    shapes: Iterable[Shape], classes: Mapping[str, int], size: Size, line_width: float = 3.0
) -> NDArray[np.uint8]:
    """Return class values (columns, rows); later shapes lie over earlier ones.

    Parameters
    ----------
    shapes
        In the order in which they lie over each other, the lowest first.
    classes
        The class value of each label.
    size
        Columns and rows.
    line_width
        In pixels, of lines that enclose nothing.

    Examples
    --------
    >>> from lamina.annotations.shapes import rectangle
    >>> draw([Shape("a", rectangle(1, 0, 2, 1))], {"a": 7}, (4, 2)).T
    array([[0, 7, 7, 0],
           [0, 0, 0, 0]], dtype=uint8)
    """
    mask = np.zeros(size, dtype=np.uint8)
    for shape in shapes:
        mask[covered(shape.region, size, line_width)] = classes[shape.label]
    return mask


def covered(
    region: BaseGeometry | Bitmap, size: Size, line_width: float = 3.0
) -> NDArray[np.bool_]:
    """Return which pixels (columns, rows) a region covers."""
    inside = np.zeros(size, dtype=bool)
    if isinstance(region, Bitmap):
        _paste(region, inside)
        return inside
    for part in areas(region, line_width):
        whole = _fill([part.exterior.coords], size)
        inside |= whole & ~_fill([ring.coords for ring in part.interiors], size)
    return inside


def areas(region: BaseGeometry, line_width: float) -> Iterator[Polygon]:
    """Yield the polygons of a region; a line gets its width."""
    if isinstance(region, LineString):
        region = region.buffer(line_width / 2, cap_style="flat")
    for part in getattr(region, "geoms", [region]):
        if not part.is_empty:
            yield part


def _fill(outlines: Sequence[Iterable[Sequence[float]]], size: Size) -> NDArray[np.bool_]:
    if not outlines:
        return np.zeros(size, dtype=bool)
    # The last point repeats the first; four numbers alone would be taken for a box.
    flat = [np.ravel(list(outline)[:-1]).tolist() for outline in outlines]
    encoded = coco_mask.merge(coco_mask.frPyObjects(flat, size[1], size[0]))
    return coco_mask.decode(encoded).T > 0


def _paste(bitmap: Bitmap, onto: NDArray[np.bool_]) -> None:
    """Paint a bitmap; what lies beyond the picture is cut off."""
    start = np.array([bitmap.left, bitmap.top])
    stop = np.minimum(start + bitmap.mask.shape, onto.shape)
    first = np.maximum(start, 0)
    target = tuple(slice(a, max(a, b)) for a, b in zip(first, stop, strict=True))
    source = tuple(slice(a, max(a, b)) for a, b in zip(first - start, stop - start, strict=True))
    onto[target] |= bitmap.mask[source]
