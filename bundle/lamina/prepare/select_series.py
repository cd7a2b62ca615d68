"""Slices of one plane, selected from folders with slices of all planes."""

import hashlib
import logging
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lamina.cases.scan import plane_of
from lamina.errors import DataError, ReadError
from lamina.readers.dicom_file import is_dicom, read_header
from lamina.readers.dicom_slices import Slice, read_slices

logger = logging.getLogger(__name__)


@dataclass
class Selection:
    """The number of slices copied to each folder, of all slices, and of other files."""

    copied: Counter[str] = field(default_factory=Counter)
    slices: int = 0
    others: int = 0


def select_slices(
    source: Path, target: Path, plane: str | None, orientation: Sequence[float] | None = None
) -> Selection:
    """Copy the files of slices in a plane into one folder per series below ``target``.

    Parameters
    ----------
    source, target
        Folders; existing files are overwritten.
    plane
        axial, coronal, sagittal or oblique.
    orientation
        Instead of the plane: ImageOrientationPatient, compared after rounding to one decimal.

    Raises
    ------
    DataError
        If the source is no folder, or holds no DICOM slice.
    """
    if not source.is_dir():
        raise DataError(f"{source}: no such folder", "correct SRC")
    selection = Selection()
    for path in _files(source):
        image_slice = _slice(path)
        if image_slice is None:
            selection.others += 1
            continue
        selection.slices += 1
        if _matches(image_slice, plane, orientation):
            folder = target / series_folder(image_slice.uid)
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, folder / _unique(path, source))
            selection.copied[str(folder)] += 1
    if not selection.slices:
        raise DataError(f"{source}: no DICOM slice with an orientation", "correct SRC")
    return selection


def series_folder(uid: str) -> str:
    """Return a folder's name for a series, without information on the patient.

    >>> series_folder("1.2.840")
    'series_a6644330'
    """
    return "series_" + hashlib.sha256(uid.encode()).hexdigest()[:8]


def one_file_per_series(path: Path) -> list[Path]:
    """Return the file, or of a folder the first DICOM file of each series.

    Raises DataError if there is no DICOM file.
    """
    if path.is_file() and is_dicom(path):
        return [path]
    first: dict[str, Path] = {}
    for file in _files(path) if path.is_dir() else []:
        try:
            if is_dicom(file):
                header = read_header(file, "SeriesInstanceUID")
                first.setdefault(str(header.get("SeriesInstanceUID")), file)
        except ReadError as error:
            logger.warning("%s", error)
    if not first:
        raise DataError(f"{path}: no DICOM file", "give a DICOM file, or a folder that holds some")
    return list(first.values())


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        yield from (path for name in sorted(names) if (path := Path(parent, name)).is_file())


def _slice(path: Path) -> Slice | None:
    try:
        slices = read_slices(path) if is_dicom(path) else []
    except ReadError:
        return None
    return slices[0] if slices and slices[0].orientation is not None else None


def _matches(image_slice: Slice, plane: str | None, orientation: Sequence[float] | None) -> bool:
    assert image_slice.orientation is not None
    if orientation is not None:
        return bool((np.round(image_slice.orientation, 1) == np.round(orientation, 1)).all())
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = image_slice.orientation[:3], image_slice.orientation[3:]
    return plane_of(affine) == plane


def _unique(path: Path, source: Path) -> str:
    """Return a file's name with its folders, so that equal names do not collide."""
    return "_".join(path.relative_to(source).parts)
