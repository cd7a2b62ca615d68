"""From shapes to pixels.

A pixel belongs to a shape whose outline holds its centre, so that shapes which share an edge
neither overlap nor leave a gap. COCO's rasteriser is used, which rounds corners to a fifth of a
pixel.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from shapely import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from lamina.annotations.shapes import Bitmap

Size = tuple[int, int]


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
