"""Where the mask of an image goes in a data set, and which numbers it holds there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamina.cases.case import Case
from lamina.cases.layouts import read_place
from lamina.errors import DataError
from lamina.files import written_whole
from lamina.readers.formats import stem_of
from lamina.readers.grid import Grid, format_size
from lamina.readers.images import read_label
from lamina.readers.label_values import code_table, read_threshold
from lamina.tasks.labels import IGNORE
from lamina.writers.label_files import smallest_type

BINARY = {"0": 0, "255": 1}
_NNUNET_CHANNEL = re.compile(r"_0000$")


def codings(
    classes: int, label_values: Mapping[str, int | str] | None
) -> dict[str, Mapping[str, int]]:
    """Return how masks may be stored, by name: what the file holds and the class it stands for.

    The first one is the task's own.

    >>> list(codings(2, None)), list(codings(3, {"0": 0, "30": 1, "60": 2}))
    (['classes', 'binary'], ['task', 'classes', 'binary'])
    """
    by_name: dict[str, Mapping[str, int]] = {}
    if label_values and read_threshold(label_values) is None and not code_table(label_values)[1]:
        # What is ignored can't be drawn: masks that hold it are refused by name.
        by_name["task"] = {k: int(v) for k, v in label_values.items() if v != IGNORE}
    by_name["classes"] = {str(value): value for value in range(classes)}
    return by_name | {"binary": BINARY}


def encode(values: NDArray[np.uint8], coding: Mapping[str, int]) -> NDArray[np.integer]:
    """Return what a file holds for class values.

    Raises
    ------
    DataError
        If a class has no code.

    Examples
    --------
    >>> encode(np.array([0, 1, 1], np.uint8), BINARY).tolist()
    [0, 255, 255]
    """
    codes = {int(value): int(code) for code, value in reversed(list(coding.items()))}
    unknown = [int(value) for value in np.unique(values) if int(value) not in codes]
    if unknown:
        raise DataError(
            f"class {unknown[0]} can't be stored as {', '.join(coding)}",
            "store class values, or draw only the classes that have a code",
        )
    table = np.zeros(256, smallest_type(max(codes.values())))
    for value, code in codes.items():
        table[value] = code
    return table[values]


def mask_path(case: Case, cases: Sequence[Case], root: Path, is_volume: bool) -> Path:
    """Return the file of a case's mask: the one that it has, or where its layout expects one.

    That is the folder of the other masks, or ``masks/`` beside ``images/`` and ``labelsTr/``
    beside ``imagesTr/``, or, where images lie in no such folder, beside the image with ``_mask``.

    Raises
    ------
    DataError
        If the mask has a format that is not written.
    """
    if case.label is not None:
        return _writable(Path(case.label), is_volume)
    suffix = ".nii.gz" if is_volume else ".png"
    image = Path(case.image)
    stem = _NNUNET_CHANNEL.sub("", stem_of(image).removesuffix(".dcm"))
    folder = read_place(case.image, root).folder
    others = {read_place(other.label, root).folder for other in cases if other.label} - {""}
    if folder:
        label_folder = _label_folder(folder, others)
        parts = [label_folder if part == folder else part for part in image.parent.parts]
        return Path(*parts, stem + suffix)
    if others:
        return root / min(others) / image.parent.relative_to(root) / (stem + suffix)
    return image.with_name(f"{stem}_mask{suffix}")


def _label_folder(folder: str, others: set[str]) -> str:
    nnunet = re.fullmatch(r"images(tr|va|ts)", folder, re.IGNORECASE)
    if nnunet:
        return f"labels{nnunet[1]}"
    return min(others) if others else "masks"


def _writable(path: Path, is_volume: bool) -> Path:
    endings = (".nii.gz", ".nii") if is_volume else (".png",)
    if not path.name.lower().endswith(endings):
        raise DataError(
            f"{path.name}: masks are written as {endings[0]}",
            "convert this mask, or draw it in another program",
        )
    return path


def read_mask(path: Path, grid: Grid, coding: Mapping[str, int]) -> NDArray[np.uint8]:
    """Return the class values of a mask, of zeros where there is none yet.

    Raises
    ------
    ReadError
        If it holds what ``coding`` does not name.
    DataError
        If it has another size than its image.
    """
    if not path.is_file():
        return np.zeros(grid.shape, np.uint8)
    values, own = read_label(path, coding)
    _require_size(path, own.shape, grid.shape)
    return values.astype(np.uint8)


def write_picture(path: Path, codes: NDArray[np.integer]) -> None:
    """Write a picture's mask (columns, rows) as PNG, whole or not at all."""
    with written_whole(path) as part:
        Image.fromarray(np.ascontiguousarray(codes.T)).save(part, "png")


def write_slice(path: Path, grid: Grid, index: int, codes: NDArray[np.integer]) -> None:
    """Write one slice of a volume's mask as NIfTI; what the others hold is left as it is."""
    if path.is_file():
        volume, own = read_label(path)
        _require_size(path, own.shape, grid.shape)
    else:
        volume = np.zeros(grid.shape, np.int32)
    volume[..., index] = codes
    volume = volume.astype(smallest_type(int(volume.max(initial=0))))
    image = nib.Nifti1Image(volume, grid.affine)
    image.header.set_xyzt_units("mm")
    with written_whole(path) as part:
        image.to_filename(part)


def _require_size(path: Path, size: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    if size != expected:
        raise DataError(
            f"{path.name}: {format_size(size)}, but its image has {format_size(expected)}",
            "remove or correct the mask",
        )
