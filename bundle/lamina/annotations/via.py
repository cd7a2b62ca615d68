"""VGG Image Annotator (VIA): JSON of versions 1 and 2, exported annotations or a whole project.

Dutta and Zisserman, "The VIA annotation software for images, audio and video", 2019.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from lamina.annotations import shapes
from lamina.annotations.shapes import AnnotatedImage, Region, Shape, collect, region_of
from lamina.errors import ConfigError

Content = Mapping[str, Any]


def is_via(content: Any) -> bool:
    """Return whether JSON is VIA's."""
    return isinstance(content, Mapping) and (
        "_via_img_metadata" in content
        or bool(content)
        and all(
            isinstance(entry, Mapping) and {"filename", "regions"} <= set(entry)
            for entry in content.values()
        )
    )


def read_via(content: Content, attribute: str | None = None) -> list[AnnotatedImage]:
    """Return the pictures of a VIA file.

    Parameters
    ----------
    content
        The JSON.
    attribute
        The attribute of a region that is its label; needed where regions have several.

    Raises
    ------
    ConfigError
        If there is no such attribute, or several to choose from.
    """
    pictures = list(content.get("_via_img_metadata", content).values())
    regions = [region for picture in pictures for region in _regions(picture)]
    name = _label_attribute(regions, attribute)
    return [_read_picture(picture, name) for picture in pictures]


def _read_picture(picture: Content, attribute: str) -> AnnotatedImage:
    drawn, notes = collect(_regions(picture), partial(_read_region, attribute=attribute))
    return AnnotatedImage(str(picture["filename"]), drawn, notes)


def _regions(picture: Content) -> list[Content]:
    """Return the regions: a list in version 2, numbered in version 1."""
    regions = picture["regions"]
    return list(regions.values()) if isinstance(regions, Mapping) else list(regions)


def _label_attribute(regions: list[Content], wanted: str | None) -> str:
    names = sorted({name for region in regions for name in region["region_attributes"]})
    if wanted is not None and wanted in names:
        return wanted
    if wanted is None and len(names) < 2:
        return names[0] if names else ""
    raise ConfigError(
        f"attribute {wanted!r}: the regions have {', '.join(names) or 'none'}",
        f"name the attribute that is the label: --attribute {names[0]}" if names else None,
    )


def _read_region(region: Content, attribute: str) -> Shape:
    form, label = region["shape_attributes"], _label(region["region_attributes"].get(attribute, ""))
    return Shape(label, region_of(form["name"], label, form, _FORMS))


def _label(value: Any) -> str:
    """Return a text, or the chosen option of a checkbox."""
    if not isinstance(value, Mapping):
        return str(value).strip()
    return " and ".join(str(name) for name, chosen in value.items() if chosen)


def _points(form: Content) -> list[tuple[float, float]]:
    return list(zip(form["all_points_x"], form["all_points_y"], strict=True))


_FORMS: dict[str, Callable[[Content], Region]] = {
    "polygon": lambda form: shapes.polygon(_points(form)),
    "polyline": lambda form: shapes.line(_points(form)),
    "rect": lambda form: shapes.rectangle(form["x"], form["y"], form["width"], form["height"]),
    "circle": lambda form: shapes.ellipse(form["cx"], form["cy"], form["r"], form["r"]),
    "ellipse": lambda form: shapes.ellipse(
        form["cx"], form["cy"], form["rx"], form["ry"], form.get("theta", 0.0)
    ),
}
