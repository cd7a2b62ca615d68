"""One annotated picture as a mask, with counts and warnings."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamina.annotations.draw import areas, covered
from lamina.annotations.find_picture import Pictures
from lamina.annotations.shapes import AnnotatedImage, Bitmap, Shape
from lamina.errors import DataError, LaminaError
from lamina.files import written_whole
from lamina.readers.formats import stem_of
from lamina.readers.grid import format_size
from lamina.readers.images import read_image

_OUTSIDE = 1.0
"""Pixels by which a shape may leave the picture without a warning."""


@dataclass(frozen=True)
class Drawing:
    """How shapes become masks.

    Parameters
    ----------
    classes
        The class value of each label's name.
    order
        Labels from the lowest to the topmost; those not named lie below. Empty, later shapes lie
        over earlier ones.
    ignore
        Labels that are left out.
    line_width
        In pixels, of lines that enclose nothing.
    keep_empty
        A picture without shapes is all background, not an unannotated one.
    """

    classes: Mapping[str, int]
    order: tuple[str, ...] = ()
    ignore: frozenset[str] = frozenset()
    line_width: float = 3.0
    keep_empty: bool = False


@dataclass
class Converted:
    """The result for one annotated picture: a mask, or a problem that says why not."""

    name: str
    picture: Path | None = None
    image: NDArray[np.float32] | None = None
    mask: NDArray[np.uint8] | None = None
    problem: str | None = None
    warnings: list[str] = field(default_factory=list)
    shapes: Counter[str] = field(default_factory=Counter)
    objects: Counter[str] = field(default_factory=Counter)
    pixels: Counter[str] = field(default_factory=Counter)

    def forget_pixels(self) -> None:
        """Free the memory of image and mask."""
        self.image = self.mask = None


def convert(annotated: AnnotatedImage, pictures: Pictures, drawing: Drawing) -> Converted:
    """Draw the mask (columns, rows) of one picture.

    Where a label is unknown, a picture is missing or of another size, a shape lies outside or there
    is none, ``problem`` says so, and there is no mask.
    """
    result = Converted(annotated.name, warnings=list(annotated.notes))
    try:
        result.picture = _find(annotated, pictures, result.warnings)
        result.image, grid = read_image(str(result.picture))
        size = (grid.shape[0], grid.shape[1])
        _require_size(annotated, size)
        shapes = _known(annotated.shapes, drawing)
        _require_shapes(shapes, annotated, drawing)
        result.mask = _draw(shapes, size, drawing, result)
    except LaminaError as error:
        result.problem = str(error).replace("\n  → ", ": ")
    return result


def _find(annotated: AnnotatedImage, pictures: Pictures, warnings: list[str]) -> Path:
    if annotated.embedded is not None and not pictures.has(annotated.name):
        path = pictures.write(annotated.name, annotated.embedded)
        warnings.append(f"the picture was taken out of the annotation: {path}")
    path = pictures.find(annotated.name)
    name = annotated.name.replace("\\", "/").rsplit("/", 1)[-1]
    if name != path.name and name.casefold() == path.name.casefold():
        warnings.append(f"upper and lower case differ: the file is called {path.name}")
    return path


def _require_size(annotated: AnnotatedImage, size: tuple[int, int]) -> None:
    if annotated.size not in (None, size):
        raise DataError(
            f"annotated at {format_size(annotated.size or ())} pixels, "
            f"but the picture has {format_size(size)}",
            "give the pictures that were annotated",
        )


def _known(shapes: tuple[Shape, ...], drawing: Drawing) -> list[Shape]:
    """Return the shapes that count, with their labels spelt as in the task, lowest first."""
    spelling = {name.casefold(): name for name in drawing.classes}
    counted = [shape for shape in shapes if shape.label not in drawing.ignore]
    unknown = Counter(s.label for s in counted if s.label.casefold() not in spelling)
    if unknown:
        raise DataError(
            "; ".join(_unknown(label, count, spelling) for label, count in unknown.items()),
            "correct them in the tool, add them to the task's labels, or leave them out with "
            "--ignore",
        )
    exact = {name: name for name in drawing.classes}
    spelt = [replace(s, label=exact.get(s.label, spelling[s.label.casefold()])) for s in counted]
    rank = {name: index for index, name in enumerate(drawing.order)}
    return sorted(spelt, key=lambda shape: rank.get(shape.label, -1))


def _unknown(label: str, count: int, spelling: Mapping[str, str]) -> str:
    near = get_close_matches(label.casefold(), spelling, n=1)
    hint = f" (did you mean {spelling[near[0]]!r}?)" if near else ""
    return f"{count} shape(s) with the label {label!r}, which the task does not have{hint}"


def _require_shapes(shapes: list[Shape], annotated: AnnotatedImage, drawing: Drawing) -> None:
    if not shapes and not drawing.keep_empty:
        raise DataError(
            f"{'nothing that can be drawn' if annotated.notes else 'no shapes'}, "
            "so it may not be annotated yet",
            "with --keep-empty it is background",
        )


def _draw(
    shapes: list[Shape], size: tuple[int, int], drawing: Drawing, result: Converted
) -> NDArray[np.uint8]:
    mask = np.zeros(size, dtype=np.uint8)
    groups: set[tuple[str, str | int]] = set()
    for number, shape in enumerate(shapes):
        _check_position(shape, size, drawing.line_width, result.warnings)
        pixels = covered(shape.region, size, drawing.line_width)
        if not pixels.any():
            result.warnings.append(f"a shape of {shape.label} covers no pixel")
        mask[pixels] = drawing.classes[shape.label]
        result.shapes[shape.label] += 1
        groups.add((shape.label, shape.group or number))
    result.objects.update(label for label, _ in groups)
    counts = np.bincount(mask.ravel(), minlength=256)
    result.pixels.update(
        {name: int(counts[value]) for name, value in drawing.classes.items() if counts[value]}
    )
    return mask


def _check_position(
    shape: Shape, size: tuple[int, int], line_width: float, warnings: list[str]
) -> None:
    """Warn of a shape that leaves the picture; refuse one that can't belong to it."""
    low, high = _bounds(shape, line_width)
    far = max(*(-low), *(high - size))
    if (low >= size).any() or (high <= 0).any() or (far > max(size)):
        raise DataError(
            f"a shape of {shape.label} from {_point(low)} to {_point(high)} lies outside the "
            f"picture of {format_size(size)} pixels",
            "it may belong to another picture or size",
        )
    if far > _OUTSIDE:
        warnings.append(
            f"a shape of {shape.label} reaches {far:.0f} pixels beyond the picture; that part "
            "is cut off"
        )


def _bounds(shape: Shape, line_width: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if isinstance(shape.region, Bitmap):
        low = np.array([shape.region.left, shape.region.top], dtype=float)
        return low, low + shape.region.mask.shape
    boxes = np.array([area.bounds for area in areas(shape.region, line_width)])
    return boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)


def _point(position: NDArray[np.float64]) -> str:
    return f"({position[0]:.0f}, {position[1]:.0f})"


class MaskFolder:
    """Masks as PNG of class values, named after their pictures and in the same folders below.

    Parameters
    ----------
    path
        Where they go.
    pictures
        The pictures that they belong to.
    """

    def __init__(self, path: Path, pictures: Pictures) -> None:
        self.path = path
        self.pictures = pictures
        self._written: set[Path] = set()

    def write(self, result: Converted) -> Path | None:
        """Write a mask, and return its path; where it would replace another file, set its problem."""
        if result.mask is None or result.picture is None:
            return None
        relative = result.picture.relative_to(self.pictures.folder)
        path = (self.path / relative).with_name(f"{stem_of(relative)}.png")
        if path in self._written:
            result.problem = f"a second picture whose mask would be {path}: keep one of them"
            return None
        if path.resolve() == result.picture.resolve():
            result.problem = f"its mask would replace {path}: choose another folder with -o"
            return None
        with written_whole(path) as part:
            Image.fromarray(result.mask.T).save(part)
        self._written.add(path)
        return path
