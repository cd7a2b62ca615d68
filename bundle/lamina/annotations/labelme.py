"""labelme: one JSON per picture (github.com/wkentaro/labelme)."""

import base64
import binascii
import io
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from shapely.geometry.base import BaseGeometry

from lamina.annotations import shapes
from lamina.annotations.shapes import AnnotatedImage, Bitmap, Region, Shape, collect, region_of
from lamina.errors import ReadError
from lamina.readers.pictures import open_picture

Content = Mapping[str, Any]


def is_labelme(content: Any) -> bool:
    """Return whether JSON is labelme's."""
    return isinstance(content, Mapping) and {"shapes", "imagePath"} <= set(content)


def read_labelme(content: Content) -> AnnotatedImage:
    """Return the picture of a labelme file, with the picture itself where it is embedded.

    Raises ReadError if the embedded picture is broken.
    """
    drawn, notes = collect(content["shapes"], _read_shape)
    width, height = content.get("imageWidth"), content.get("imageHeight")
    data = content.get("imageData")
    return AnnotatedImage(
        name=str(content["imagePath"]),
        shapes=drawn,
        notes=notes,
        size=(int(width), int(height)) if width and height else None,
        embedded=_decode(data) if data else None,
    )


def _read_shape(shape: Content) -> Shape:
    kind, label = shape.get("shape_type") or "polygon", str(shape["label"]).strip()
    group = shape.get("group_id")
    region = region_of(kind, label, shape, _FORMS)
    return Shape(label, region, None if group is None else str(group))


def _rectangle(shape: Content) -> BaseGeometry:
    (left, top), (right, bottom) = np.sort(np.asarray(shape["points"], dtype=float), axis=0)
    return shapes.rectangle(left, top, right - left, bottom - top)


def _circle(shape: Content) -> BaseGeometry:
    """Return the circle of a centre and a point on it."""
    centre, edge = shape["points"]
    radius = math.dist(centre, edge)
    return shapes.ellipse(centre[0], centre[1], radius, radius)


def _bitmap(shape: Content) -> Bitmap:
    """Read a painted shape: a PNG that lies at the first of its two points."""
    left, top = (round(number) for number in shape["points"][0])
    try:
        with open_picture(io.BytesIO(_decode(shape["mask"])), ("PNG",)) as picture:
            return Bitmap(left, top, np.asarray(picture.convert("L")).T > 0)
    except (OSError, SyntaxError) as error:
        raise ReadError(
            f"its painted shape is no PNG ({error})", "save the annotation again"
        ) from error


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ReadError(
            f"its embedded picture is not base64 ({error})", "save the annotation again"
        ) from error


_FORMS: dict[str, Callable[[Content], Region]] = {
    "polygon": lambda shape: shapes.polygon(shape["points"]),
    "oriented_rectangle": lambda shape: shapes.polygon(shape["points"]),
    "rectangle": _rectangle,
    "circle": _circle,
    "line": lambda shape: shapes.line(shape["points"]),
    "linestrip": lambda shape: shapes.line(shape["points"]),
    "mask": _bitmap,
}
