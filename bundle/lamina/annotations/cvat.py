"""CVAT for images 1.1: XML."""

import math
from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import parse
from shapely.geometry.base import BaseGeometry

from lamina.annotations import shapes
from lamina.annotations.shapes import AnnotatedImage, Bitmap, Region, Shape, collect, region_of
from lamina.errors import ReadError

_NOT_SHAPES = ("tag", "attribute")


def read_cvat(path: Path) -> list[AnnotatedImage]:
    """Return the pictures of a CVAT file.

    Raises ReadError if it is no XML, or of a video.
    """
    try:
        root = parse(path).getroot()
    except (ParseError, DefusedXmlException) as error:
        raise ReadError(f"{path}: not XML that can be read ({error})", "export it again") from error
    images = root.findall("image")
    if not images:
        kind = "tracks of a video" if root.find("track") is not None else f"<{root.tag}>"
        raise ReadError(f"{path}: {kind}, no <image>", "export it as 'CVAT for images 1.1'")
    return [_read_image(image) for image in images]


def _read_image(image: Element) -> AnnotatedImage:
    entries = [entry for entry in image if entry.tag not in _NOT_SHAPES]
    entries.sort(key=lambda entry: int(entry.get("z_order", 0)))
    drawn, notes = collect(entries, _read_shape)
    size = (int(image.attrib["width"]), int(image.attrib["height"]))
    return AnnotatedImage(image.attrib["name"], drawn, notes, size)


def _read_shape(entry: Element) -> Shape:
    label = entry.attrib["label"].strip()
    return Shape(label, region_of(entry.tag, label, entry, _FORMS), entry.get("group_id"))


def _points(entry: Element) -> list[list[float]]:
    pairs = entry.attrib["points"].split(";")
    return [[float(number) for number in pair.split(",")] for pair in pairs]


def _rectangle(entry: Element) -> BaseGeometry:
    left, top, right, bottom = _numbers(entry, "xtl", "ytl", "xbr", "ybr")
    return shapes.rectangle(left, top, right - left, bottom - top, float(entry.get("rotation", 0)))


def _ellipse(entry: Element) -> BaseGeometry:
    turned = math.radians(float(entry.get("rotation", 0)))
    x, y, width, height = _numbers(entry, "cx", "cy", "rx", "ry")
    return shapes.ellipse(x, y, width, height, turned)


def _bitmap(entry: Element) -> Bitmap:
    """Decode run lengths, row by row, that begin with the pixels outside."""
    left, top, width, height = (
        int(entry.attrib[key]) for key in ("left", "top", "width", "height")
    )
    runs = [int(run) for run in entry.attrib["rle"].split(",")]
    pixels = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return Bitmap(left, top, pixels.reshape(height, width).T)


def _numbers(entry: Element, *keys: str) -> list[float]:
    return [float(entry.attrib[key]) for key in keys]


_FORMS: dict[str, Callable[[Element], Region]] = {
    "polygon": lambda entry: shapes.polygon(_points(entry)),
    "polyline": lambda entry: shapes.line(_points(entry)),
    "box": _rectangle,
    "ellipse": _ellipse,
    "mask": _bitmap,
}
