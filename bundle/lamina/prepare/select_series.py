"""Slices of one plane, from scanners whose folders hold slices of all planes."""

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pydicom

from lamina.cases.scan import plane_of
from lamina.errors import DataError, ReadError
from lamina.readers.dicom_slices import Slice, is_dicom, read_slices


@dataclass
class Selection:
    """How many slices were copied into each folder, of how many, beside how many other files."""

    copied: Counter[str] = field(default_factory=Counter)
    slices: int = 0
    others: int = 0


def select_slices(
    source: Path, target: Path, plane: str | None, orientation: Sequence[float] | None = None
) -> Selection:
    """Copy the files whose slice lies in a plane into one folder a series below ``target``.

    Parameters
    ----------
    source, target
        Folders; files that are there already are written again.
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
    chosen = Selection()
    for path in _files(source):
        one = _slice(path)
        if one is None:
            chosen.others += 1
            continue
        chosen.slices += 1
        if _matches(one, plane, orientation):
            folder = target / series_folder(one.uid)
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, folder / _unique(path, source))
            chosen.copied[str(folder)] += 1
    if not chosen.slices:
        raise DataError(f"{source}: no DICOM slice with an orientation", "correct SRC")
    return chosen


def series_folder(uid: str) -> str:
    """Return a folder's name for a series; it says nothing about the patient.

    >>> series_folder("1.2.840")
    'series_a6644330'
    """
    return "series_" + hashlib.sha256(uid.encode()).hexdigest()[:8]


def one_file_a_series(path: Path) -> list[Path]:
    """Return the file, or of a folder the first DICOM file of each series.

    Raises
    ------
    DataError
        If there is no DICOM file.
    """
    if path.is_file() and is_dicom(path):
        return [path]
    first: dict[str, Path] = {}
    for file in _files(path) if path.is_dir() else []:
        if is_dicom(file):
            header = pydicom.dcmread(
                file, stop_before_pixels=True, force=True, specific_tags=["SeriesInstanceUID"]
            )
            first.setdefault(str(header.get("SeriesInstanceUID")), file)
    if not first:
        raise DataError(f"{path}: no DICOM file", "give a DICOM file, or a folder that holds some")
    return list(first.values())


def _files(folder: Path) -> Iterator[Path]:
    for place, below, names in os.walk(folder):
        below.sort()
        yield from (path for name in sorted(names) if (path := Path(place, name)).is_file())


def _slice(path: Path) -> Slice | None:
    try:
        slices = read_slices(path) if is_dicom(path) else []
    except ReadError:
        return None
    return slices[0] if slices and slices[0].orientation is not None else None


def _matches(one: Slice, plane: str | None, orientation: Sequence[float] | None) -> bool:
    assert one.orientation is not None
    if orientation is not None:
        return bool((np.round(one.orientation, 1) == np.round(orientation, 1)).all())
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = one.orientation[:3], one.orientation[3:]
    return plane_of(affine) == plane


def _unique(path: Path, source: Path) -> str:
    """Return a file's name with its folder in it, so that equal names do not meet."""
    return "_".join(path.relative_to(source).parts)
