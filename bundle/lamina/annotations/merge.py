"""Masks of left and right merged into one, as for Montgomery County's X-rays.

Jaeger et al., "Two public chest X-ray datasets for computer-aided screening of pulmonary
diseases", 2014.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamina.cases.inputs import find_inputs
from lamina.cases.layouts import without_label_ending
from lamina.errors import DataError, LaminaError
from lamina.files import written_whole
from lamina.readers.formats import format_of, stem_of
from lamina.readers.grid import format_size
from lamina.readers.images import read_grid, read_label
from lamina.readers.label_values import format_codes


@dataclass(frozen=True)
class Merged:
    """The result for one picture: its mask's file and warnings, or a problem that says why not."""

    name: str
    mask: Path | None = None
    problem: str | None = None
    warnings: tuple[str, ...] = ()


def merge_masks(
    images: Path, left: Path, right: Path, target: Path, sides: bool = False
) -> Iterator[Merged]:
    """Write ``images/`` and ``masks/`` into a folder, and yield the result of each picture.

    Parameters
    ----------
    images, left, right
        Folders of pictures, and of masks that are named alike (an ending _mask is allowed).
    target
        The data set's folder.
    sides
        Left becomes 1 and right 2; otherwise both are 1.

    Raises
    ------
    DataError
        If there are no images, or two of one name.
    """
    files = {name: _by_name(folder) for name, folder in (("left", left), ("right", right))}
    for name, image in _by_name(images).items():
        try:
            yield _merge_one(name, image, files, target, sides)
        except LaminaError as error:
            yield Merged(name, problem=str(error).replace("\n  → ", ": "))


def join_sides(left: NDArray[np.bool_], right: NDArray[np.bool_], sides: bool) -> NDArray[np.uint8]:
    """Return 1 for both, or 1 for left and 2 for right; where they overlap, 2.

    >>> join_sides(np.array([True, False, True]), np.array([False, True, True]), True).tolist()
    [1, 2, 2]
    """
    joined = left.astype(np.uint8)
    joined[right] = 2 if sides else 1
    return joined


def _merge_one(
    name: str, image: Path, files: Mapping[str, Mapping[str, Path]], target: Path, sides: bool
) -> Merged:
    size = read_grid(str(image)).shape
    left, right = (_read_side(name, side, files[side], size) for side in ("left", "right"))
    warnings = tuple(_warnings(left, right, sides))
    path = target / "masks" / f"{name}.png"
    with written_whole(path) as part:
        Image.fromarray(join_sides(left, right, sides).T).save(part)
    with written_whole(target / "images" / image.name) as part:
        copyfile(image, part)
    return Merged(name, path, warnings=warnings)


def _warnings(left: NDArray[np.bool_], right: NDArray[np.bool_], sides: bool) -> Iterator[str]:
    for side, mask in (("left", left), ("right", right)):
        if not mask.any():
            yield f"its {side} mask is empty: draw it, or take the picture out if it was forgotten"
    both = int((left & right).sum())
    if both and sides:
        yield f"{both} pixels are left and right; right counts"


def _read_side(
    name: str, side: str, files: Mapping[str, Path], size: tuple[int, ...]
) -> NDArray[np.bool_]:
    if name not in files:
        raise DataError(f"no {side} mask of that name", "add it, or take the picture out")
    codes, grid = read_label(files[name])
    if grid.shape != size:
        raise DataError(
            f"its {side} mask has {format_size(grid.shape)} pixels, the picture {format_size(size)}"
        )
    values = np.unique(codes)
    if len(values) > 2 or (len(values) == 2 and values[0] != 0):
        raise DataError(
            f"its {side} mask has the values {format_codes(values)}, expected 0 and one other",
            "save it without smoothing, as PNG",
        )
    return codes > 0


def _by_name(folder: Path) -> dict[str, Path]:
    """Return the pictures of a folder by name, without suffix or an ending like _mask."""
    by_name: dict[str, Path] = {}
    for case in find_inputs(folder).cases:
        path = Path(case.image)
        if format_of(path) != "picture":
            raise DataError(f"{path}: not a picture", "give folders of PNG, JPEG, TIFF or BMP")
        name = without_label_ending(stem_of(path))
        if name in by_name:
            raise DataError(f"two pictures of one name: {by_name[name]}, {path}", "keep one")
        by_name[name] = path
    return by_name
