"""Drawn shapes of all tools.

Coordinates are (x, y) in pixels, x to the right and y down, as in all these tools: (0, 0)
is the outer corner of the first pixel, whose centre is (0.5, 0.5).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from shapely import LineString, Point, Polygon, affinity, box
from shapely.geometry.base import BaseGeometry

from lamina.errors import LaminaError

_Entry = TypeVar("_Entry")
_QUARTER = 64
"""Edges of a quarter of a circle: its radius is right to 1 in 10,000."""


class NotDrawableError(LaminaError):
    """A shape that covers no pixels: a point, a tag, an outline of two points."""


@dataclass(frozen=True)
class Bitmap:
    """Pixels that were painted: ``mask`` is (columns, rows), its first one lies at left, top."""

    left: int
    top: int
    mask: NDArray[np.bool_]


Region: TypeAlias = BaseGeometry | Bitmap


@dataclass(frozen=True)
class Shape:
    """A labelled region of a picture.

    Parameters
    ----------
    label
        The annotator's name for it.
    region
        Outlines (a polygon, or several whose union counts), a line without width, or a bitmap.
    group
        Shapes of one picture with the same group are one object; None is an object of its own.
    """

    label: str
    region: Region
    group: str | None = None


@dataclass(frozen=True)
class AnnotatedImage:
    """A picture's annotations.

    Parameters
    ----------
    name
        Of the picture, with folders where the tool names them.
    shapes
        In drawing order, the lowest first.
    notes
        Entries that are not among them, and why.
    size
        Columns and rows, where the tool says.
    embedded
        The picture's file, where the annotation holds it.
    """

    name: str
    shapes: tuple[Shape, ...]
    notes: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    embedded: bytes | None = None


def collect(
    entries: Iterable[_Entry], read: Callable[[_Entry], Shape]
) -> tuple[tuple[Shape, ...], tuple[str, ...]]:
    """Return the shapes of all entries, and a note for each that is not drawable."""
    shapes, notes = [], []
    for entry in entries:
        try:
            shapes.append(read(entry))
        except NotDrawableError as error:
            notes.append(str(error))
    return tuple(shapes), tuple(notes)


def region_of(
    kind: str, label: str, entry: _Entry, forms: Mapping[str, Callable[[_Entry], Region]]
) -> Region:
    """Return the region of an entry, by the function for its tool's kind of shape.

    Raises NotDrawableError if that kind is none that has an area.

    >>> region_of("polygon", "lung", [(0, 0), (4, 0), (4, 2)], {"polygon": polygon}).area
    4.0
    """
    if kind not in forms:
        raise NotDrawableError(f"a shape of the kind {kind} ({label!r}) has no area")
    return forms[kind](entry)


def polygon(points: Sequence[Sequence[float]]) -> Polygon:
    """Return the region within an outline.

    Raises NotDrawableError if it has fewer than three different points.

    >>> polygon([(0, 0), (4, 0), (4, 2)]).area
    4.0
    """
    outline = _finite(points)
    different = len(np.unique(outline, axis=0))
    if different < 3:
        raise NotDrawableError(f"a polygon with {different} point(s) has no area")
    return Polygon(outline)


def line(points: Sequence[Sequence[float]]) -> BaseGeometry:
    """Return a line; one that ends where it began is the region within it.

    Raises NotDrawableError if it has fewer than two different points.

    >>> line([(0, 0), (4, 0)]).length, line([(0, 0), (4, 0), (4, 2), (0, 0)]).area
    (4.0, 4.0)
    """
    course = _finite(points)
    different = len(np.unique(course, axis=0))
    if different < 2:
        raise NotDrawableError(f"a line with {different} point(s) has no length")
    closed = different > 2 and bool((course[0] == course[-1]).all())
    return Polygon(course) if closed else LineString(course)


def rectangle(
    left: float, top: float, width: float, height: float, degrees: float = 0.0
) -> BaseGeometry:
    """Return a rectangle, turned clockwise on the screen around its centre.

    >>> rectangle(2, 3, 4, 1).bounds
    (2.0, 3.0, 6.0, 4.0)
    """
    _require_extent("rectangle", width, height)
    upright = box(*_finite([(left, top), (left + width, top + height)]).ravel())
    return affinity.rotate(upright, degrees, origin="center")


def ellipse(x: float, y: float, width: float, height: float, radians: float = 0.0) -> BaseGeometry:
    """Return an ellipse of half-axes ``width`` and ``height``, turned clockwise on the screen.

    >>> ellipse(10, 20, 3, 2).bounds
    (7.0, 18.0, 13.0, 22.0)
    """
    _require_extent("circle or ellipse", width, height)
    (centre,) = _finite([(x, y)])
    unit = Point(centre).buffer(1.0, quad_segs=_QUARTER)
    scaled = affinity.scale(unit, width, height, origin=tuple(centre))
    return affinity.rotate(scaled, radians, origin=tuple(centre), use_radians=True)


def _require_extent(kind: str, width: float, height: float) -> None:
    if not (width > 0 and height > 0):
        raise NotDrawableError(f"a {kind} of {width:g} × {height:g} pixels has no area")


def _finite(points: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    array = np.asarray(points, dtype=float).reshape(-1, 2)
    if not np.isfinite(array).all():
        raise NotDrawableError("a shape whose coordinates are not finite")
    return array
