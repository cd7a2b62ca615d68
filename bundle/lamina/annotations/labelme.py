"""labelme: one JSON a picture (github.com/wkentaro/labelme)."""

import base64
import binascii
import io
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from shapely.geometry.base import BaseGeometry

from lamina.annotations.shapes import (
    AnnotatedImage,
    Bitmap,
    NotDrawableError,
    Shape,
    collect,
    ellipse,
    line,
    polygon,
    rectangle,
)
from lamina.errors import ReadError

Content = Mapping[str, Any]


def is_labelme(content: Any) -> bool:
    """Tell whether JSON is labelme's."""
    return isinstance(content, Mapping) and {"shapes", "imagePath"} <= set(content)


def read_labelme(content: Content) -> AnnotatedImage:
    """Return the picture of a labelme file, with the picture itself where it is embedded.

    Raises
    ------
    ReadError
        If the embedded picture is broken.
    """
    shapes, notes = collect(content["shapes"], _read_shape)
    width, height = content.get("imageWidth"), content.get("imageHeight")
    data = content.get("imageData")
    return AnnotatedImage(
        name=str(content["imagePath"]),
        shapes=shapes,
        notes=notes,
        size=(int(width), int(height)) if width and height else None,
        embedded=_decode(data) if data else None,
    )


def _read_shape(shape: Content) -> Shape:
    kind, points = shape.get("shape_type") or "polygon", shape["points"]
    if kind not in ("mask", *_FORMS):
        raise NotDrawableError(f"a shape of the kind {kind} has no area")
    region = _bitmap(shape) if kind == "mask" else _FORMS[kind](points)
    group = shape.get("group_id")
    return Shape(str(shape["label"]).strip(), region, None if group is None else str(group))


def _rectangle(points: list[list[float]]) -> BaseGeometry:
    (left, top), (right, bottom) = np.sort(np.asarray(points, dtype=float), axis=0)
    return rectangle(left, top, right - left, bottom - top)


def _circle(points: list[list[float]]) -> BaseGeometry:
    """Take the centre and a point of the circle."""
    centre, edge = points
    radius = math.dist(centre, edge)
    return ellipse(centre[0], centre[1], radius, radius)


_FORMS = {
    "polygon": polygon,
    "oriented_rectangle": polygon,
    "rectangle": _rectangle,
    "circle": _circle,
    "line": line,
    "linestrip": line,
}


def _bitmap(shape: Content) -> Bitmap:
    """Read a painted shape: a PNG that lies at the first of its two points."""
    left, top = (round(number) for number in shape["points"][0])
    return Bitmap(left, top, _pixels(_decode(shape["mask"])))


def _pixels(data: bytes) -> NDArray[np.bool_]:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("L")).T > 0


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ReadError(
            f"its embedded picture is no base64 ({error})", "save the annotation again"
        ) from error
