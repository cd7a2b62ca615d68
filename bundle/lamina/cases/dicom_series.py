"""Which DICOM series a folder holds, from the headers of its files alone.

A file is DICOM by its content: the letters DICM after a preamble of 128 bytes (PS3.10), or, as
old writers do it, a data set that starts at once with group 0002 or 0008. Slices belong together
if they lie in one folder and have the same SeriesInstanceUID.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID

from lamina.errors import ReadError

_BAD_HEADER = (InvalidDicomError, OSError, EOFError, ValueError, TypeError, KeyError)
_BARE_STARTS = (b"\x02\x00", b"\x08\x00", b"\x00\x08")
# Objects that have rows and columns but no image of the body: segmentations, dose, maps.
_NOT_IMAGES = {
    "1.2.840.10008.5.1.4.1.1.66.4",
    "1.2.840.10008.5.1.4.1.1.66.7",
    "1.2.840.10008.5.1.4.1.1.481.2",
    "1.2.840.10008.5.1.4.1.1.30",
}
_TAGS = [
    "SOPClassUID",
    "SeriesInstanceUID",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "SliceThickness",
]


@dataclass(frozen=True)
class Slice:
    """One single-frame image: its file, its series and what places it in space (LPS+, mm).

    ``size`` is (columns, rows). ``position``, ``orientation`` (row direction, then column
    direction), ``spacing`` (between rows, between columns) and ``thickness`` are None where the
    header lacks them.
    """

    path: Path
    uid: str
    size: tuple[int, int]
    position: NDArray[np.float64] | None
    orientation: NDArray[np.float64] | None
    spacing: NDArray[np.float64] | None
    thickness: NDArray[np.float64] | None


@dataclass(frozen=True)
class Series:
    """The slices that make one image, in the order of their file names.

    ``address`` is the one string that stands for it: a folder, folder#SeriesInstanceUID where the
    folder holds several series, or the file where a slice has no place in space (an X-ray).
    """

    address: str
    slices: tuple[Slice, ...]


def is_dicom(path: Path) -> bool:
    """Tell by its first bytes whether a file is DICOM."""
    with path.open("rb") as file:
        head = file.read(132)
    return head[128:] == b"DICM" or (len(head) == 132 and head[:2] in _BARE_STARTS)


def find_series(files: Iterable[Path]) -> tuple[list[Series], list[str]]:
    """Group the DICOM files of one folder into series of images.

    Returns
    -------
    The series, and one sentence for each file that is no image or can't be read.
    """
    slices, problems = [], []
    for path in sorted(files):
        try:
            slices.append(read_slice(path))
        except ReadError as error:
            problems.append(str(error))
    placed = [one for one in slices if one.position is not None]
    uids = sorted({one.uid for one in placed})
    series = [Series(str(one.path), (one,)) for one in slices if one.position is None]
    for uid in uids:
        members = tuple(one for one in placed if one.uid == uid)
        folder = str(members[0].path.parent)
        series.append(Series(f"{folder}#{uid}" if len(uids) > 1 else folder, members))
    return series, problems


def read_slice(path: Path) -> Slice:
    """Return what the header of one DICOM file says about its place.

    Raises
    ------
    ReadError
        If the header is broken, or the file holds no image or several frames.
    """
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=_TAGS)
        _require_one_image(header, path)
        return _slice(header, path)
    except _BAD_HEADER as error:
        raise ReadError(f"{path}: its DICOM header can't be read ({error})") from error


def _require_one_image(header: Dataset, path: Path) -> None:
    kind = UID(str(header.get("SOPClassUID", "")))
    if kind in _NOT_IMAGES or not (header.get("Rows") and header.get("Columns")):
        raise ReadError(f"{path}: a DICOM object without an image ({kind.name or 'no SOP class'})")
    frames = int(header.get("NumberOfFrames") or 1)
    if frames > 1:
        raise ReadError(
            f"{path}: {frames} frames in one DICOM file, which Lamina does not read yet",
            "export it as one file a slice, or as NIfTI",
        )


def _slice(header: Dataset, path: Path) -> Slice:
    spacing = _numbers(header, "PixelSpacing", 2)
    return Slice(
        path=path,
        uid=str(header.get("SeriesInstanceUID") or ""),
        size=(int(header.Columns), int(header.Rows)),
        position=_numbers(header, "ImagePositionPatient", 3),
        orientation=_numbers(header, "ImageOrientationPatient", 6),
        spacing=_numbers(header, "ImagerPixelSpacing", 2) if spacing is None else spacing,
        thickness=_numbers(header, "SliceThickness", 1),
    )


def _numbers(header: Dataset, keyword: str, count: int) -> NDArray[np.float64] | None:
    """Return an element's numbers, or None where it is absent or empty."""
    value = header.get(keyword)
    if value is None or value == "":
        return None
    numbers = np.atleast_1d(np.asarray(value, dtype=float))
    if numbers.shape != (count,) or not np.isfinite(numbers).all():
        raise ValueError(f"{keyword} is {value}, expected {count} finite numbers")
    return numbers
