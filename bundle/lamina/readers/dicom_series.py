"""Which DICOM series a folder holds, from the headers of its files alone.

A file is DICOM by its content: the letters DICM after a preamble of 128 bytes (PS3.10), or, as
old writers do it, a data set that starts at once with group 0002 or 0008. Slices belong together
if they lie in one folder and have the same SeriesInstanceUID, size and orientation; where several
lie at one position, those of one time point, b-value, echo or acquisition belong together. The
parts of a series of one UID are addressed as folder#UID:1, folder#UID:2 and so on, in the order of
size, orientation and what else tells them apart. A file with several frames is a series by itself.
"""

import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.uid import UID

from lamina.errors import ReadError
from lamina.readers.dicom_frames import frame_headers

_BAD_HEADER = (
    BytesLengthException,
    InvalidDicomError,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    NotImplementedError,
    struct.error,
)
_FRAMES = "PerFrameFunctionalGroupsSequence"
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
    "TemporalPositionIdentifier",
    "DiffusionBValue",
    "EchoTime",
    "AcquisitionNumber",
    "TriggerTime",
    "AcquisitionTime",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]
# What may tell apart images at one position, tried in this order.
_MOMENTS = (
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "DiffusionBValue",
    "EchoTime",
    "AcquisitionNumber",
    "TriggerTime",
    "AcquisitionTime",
)


@dataclass(frozen=True, eq=False)
class Slice:
    """One single-frame image: its file, its series and what places it in space (LPS+, mm).

    ``size`` is (columns, rows). ``position``, ``orientation`` (row direction, then column
    direction), ``spacing`` (between rows, between columns) and ``thickness`` are None where the
    header lacks them. ``frame`` counts from 0 in a file of several, and is None in any other;
    ``moments`` are what may tell apart images at one position.
    """

    path: Path
    uid: str
    size: tuple[int, int]
    position: NDArray[np.float64] | None
    orientation: NDArray[np.float64] | None
    spacing: NDArray[np.float64] | None
    thickness: NDArray[np.float64] | None
    frame: int | None = None
    moments: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Series:
    """The slices that make one image, in the order of their file names.

    ``address`` is the one string that stands for it: a folder, folder#SeriesInstanceUID where the
    folder holds several series, or the file where a slice has no place in space (an X-ray).
    """

    address: str
    slices: tuple[Slice, ...]


@dataclass(frozen=True)
class UnreadFile:
    """A file of which no image is read, and why; ``broken`` where it should have been one."""

    path: Path
    reason: str
    broken: bool = True

    @property
    def text(self) -> str:
        """Both in one sentence."""
        return f"{self.path}: {self.reason}"


class NoImageError(ReadError):
    """A DICOM object that is no image: a report, a plan, a segmentation."""


def is_dicom(path: Path) -> bool:
    """Tell by its first bytes whether a file is DICOM."""
    with path.open("rb") as file:
        head = file.read(132)
    return head[128:] == b"DICM" or (len(head) == 132 and head[:2] in _BARE_STARTS)


def find_series(files: Iterable[Path]) -> tuple[list[Series], list[UnreadFile]]:
    """Group the DICOM files of one folder into series of images.

    Returns
    -------
    The series, and the files that are no image or can't be read.
    """
    slices: list[Slice] = []
    problems: list[UnreadFile] = []
    for path in sorted(files):
        try:
            slices += read_slices(path)
        except ReadError as error:
            reason = str(error).removeprefix(f"{path}: ")
            problems.append(UnreadFile(path, reason, not isinstance(error, NoImageError)))
    series = [Series(str(one.path), (one,)) for one in slices if one.position is None]
    series += _of_frames([one for one in slices if one.frame is not None and _placed(one)])
    single = [one for one in slices if one.frame is None and _placed(one)]
    uids = sorted({one.uid for one in single})
    for uid in uids:
        members = [one for one in single if one.uid == uid]
        folder = str(members[0].path.parent)
        parts = _parts(members)
        alone = len(uids) == 1 and len(parts) == 1 and not series
        for number, part in enumerate(parts, start=1):
            name = f"{folder}#{uid}" + (f":{number}" if len(parts) > 1 else "")
            series.append(Series(folder if alone else name, tuple(part)))
    return series, problems


def _placed(one: Slice) -> bool:
    return one.position is not None


def _of_frames(frames: Sequence[Slice]) -> list[Series]:
    """Return a series a file; the parts of a file with several are named after it."""
    found = []
    for path in dict.fromkeys(one.path for one in frames):
        parts = _parts([one for one in frames if one.path == path])
        for number, part in enumerate(parts, start=1):
            name = str(path) + (f"#frames:{number}" if len(parts) > 1 else "")
            found.append(Series(name, tuple(part)))
    return found


def _parts(slices: Sequence[Slice]) -> list[list[Slice]]:
    """Divide the slices of one UID by size and orientation, then by what tells moments apart."""
    groups: dict[tuple[Any, ...], list[Slice]] = {}
    for one in slices:
        turned = () if one.orientation is None else tuple(one.orientation.round(2) + 0.0)
        groups.setdefault((one.size, turned), []).append(one)
    return [part for key in sorted(groups) for part in _by_moment(groups[key])]


def _by_moment(slices: Sequence[Slice]) -> list[list[Slice]]:
    places = [tuple(one.position.round(2) + 0.0) for one in slices if one.position is not None]
    copies, *others = set(Counter(places).values())
    if others or copies == 1:
        return [list(slices)]
    for moments in zip(*(one.moments for one in slices), strict=True):
        parts: dict[float, list[Slice]] = {}
        for one, moment in zip(slices, moments, strict=True):
            if moment is not None:
                parts.setdefault(moment, []).append(one)
        if len(parts) == copies and {len(part) for part in parts.values()} == {
            len(slices) // copies
        }:
            return [parts[moment] for moment in sorted(parts)]
    return [list(slices)]


def read_slices(path: Path) -> list[Slice]:
    """Return what the header of a DICOM file says about the place of its image, or its frames.

    Raises
    ------
    ReadError
        If the header is broken, the file holds no image, or frames without a place in space.
    """
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=_TAGS)
        _require_image(header, path)
        if int(header.get("NumberOfFrames") or 1) == 1 and not header.get(_FRAMES):
            return [_slice(header, path)]
        slices = [_slice(one, path, number) for number, one in enumerate(frame_headers(header))]
        _require_places(slices, path)
        return slices
    except _BAD_HEADER as error:
        raise ReadError(f"{path}: its DICOM header can't be read ({error})") from error


def _require_image(header: Dataset, path: Path) -> None:
    kind = UID(str(header.get("SOPClassUID", "")))
    if kind in _NOT_IMAGES or not (header.get("Rows") and header.get("Columns")):
        reason = f"a DICOM object without an image ({kind.name or 'no SOP class'})"
        raise NoImageError(f"{path}: {reason}")


def _require_places(slices: Sequence[Slice], path: Path) -> None:
    if len(slices) > 1 and any(one.position is None for one in slices):
        raise ReadError(
            f"{path}: {len(slices)} frames that do not say where they lie (a film, not a volume)",
            "export the frame that you want as one image",
        )


def _slice(header: Dataset, path: Path, frame: int | None = None) -> Slice:
    spacing = _numbers(header, "PixelSpacing", 2)
    return Slice(
        path=path,
        uid=str(header.get("SeriesInstanceUID") or ""),
        size=(int(header.Columns), int(header.Rows)),
        position=_numbers(header, "ImagePositionPatient", 3),
        orientation=_numbers(header, "ImageOrientationPatient", 6),
        spacing=_numbers(header, "ImagerPixelSpacing", 2) if spacing is None else spacing,
        thickness=_numbers(header, "SliceThickness", 1),
        frame=frame,
        moments=tuple(_moment(header.get(name)) for name in _MOMENTS),
    )


def _moment(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _numbers(header: Dataset, keyword: str, count: int) -> NDArray[np.float64] | None:
    """Return an element's numbers, or None where it is absent or empty."""
    value = header.get(keyword)
    if value is None or value == "":
        return None
    numbers = np.atleast_1d(np.asarray(value, dtype=float))
    if numbers.shape != (count,) or not np.isfinite(numbers).all():
        raise ValueError(f"{keyword} is {value}, expected {count} finite numbers")
    return numbers
