"""COCO: polygons and run lengths (cocodataset.org, as Roboflow, CVAT and others export it)."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask
from shapely import GeometryCollection

from lamina.annotations import shapes
from lamina.annotations.shapes import AnnotatedImage, Bitmap, NotDrawableError, Shape, collect

Content = Mapping[str, Any]


def is_coco(content: Any) -> bool:
    """Return whether JSON is COCO's."""
    return isinstance(content, Mapping) and {"images", "annotations", "categories"} <= set(content)


def read_coco(content: Content) -> list[AnnotatedImage]:
    """Return the pictures of a COCO file, those without annotations among them."""
    names = {category["id"]: str(category["name"]).strip() for category in content["categories"]}
    by_image: dict[Any, list[Content]] = defaultdict(list)
    for annotation in content["annotations"]:
        by_image[annotation["image_id"]].append(annotation)
    return [_read_image(image, by_image[image["id"]], names) for image in content["images"]]


def _read_image(
    image: Content, annotations: list[Content], names: Mapping[Any, str]
) -> AnnotatedImage:
    size = (int(image["width"]), int(image["height"]))
    drawn, notes = collect(annotations, lambda entry: _read_annotation(entry, names, size))
    return AnnotatedImage(str(image["file_name"]), drawn, notes, size)


def _read_annotation(annotation: Content, names: Mapping[Any, str], size: tuple[int, int]) -> Shape:
    label, outline = names[annotation["category_id"]], annotation.get("segmentation")
    if not outline:
        raise NotDrawableError(f"a box or key points of {label!r} without an outline")
    if isinstance(outline, Mapping):
        return Shape(label, _run_lengths(outline, size))
    polygons = [shapes.polygon(np.reshape(points, (-1, 2)).tolist()) for points in outline]
    return Shape(label, polygons[0] if len(polygons) == 1 else GeometryCollection(polygons))


def _run_lengths(outline: Mapping[str, Any], size: tuple[int, int]) -> Bitmap:
    """Decode a mask that is stored as run lengths, compressed (text) or not (a list)."""
    counts = outline["counts"]
    encoded = (
        coco_mask.frPyObjects(dict(outline), size[1], size[0])
        if isinstance(counts, list)
        else {**outline, "counts": counts.encode() if isinstance(counts, str) else counts}
    )
    return Bitmap(0, 0, coco_mask.decode(encoded).T > 0)
