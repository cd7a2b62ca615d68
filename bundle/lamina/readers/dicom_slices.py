"""What the header of each DICOM file says about its slices.

A file is DICOM by its content: the letters DICM after a preamble of 128 bytes (PS3.10), or, as
old writers do it, a data set that starts at once with group 0002 or 0008.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.uid import UID, NuclearMedicineImageStorage

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
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "PatientID",
    "ConcatenationUID",
    "ImageType",
    "SpacingBetweenSlices",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "BitsAllocated",
    "SamplesPerPixel",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "SliceThickness",
    "TemporalPositionIdentifier",
    "DiffusionBValue",
    "DiffusionGradientOrientation",
    "EchoTime",
    "AcquisitionNumber",
    "TriggerTime",
    "AcquisitionTime",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]
# What may tell apart images at one position, tried in this order.
MOMENTS = (
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "DiffusionBValue",
    "DiffusionGradientOrientation",
    "EchoTime",
    "ImageType",
    "AcquisitionNumber",
    "TriggerTime",
    "AcquisitionTime",
)
# One picture that holds all slices of a volume as tiles, by Siemens and by United Imaging.
_MOSAICS = ("MOSAIC", "VFRAME")

Moment = float | str | None


@dataclass(frozen=True, eq=False)
class Slice:
    """One image: its file, its series and what places it in space (LPS+, mm).

    ``size`` is (columns, rows). ``position``, ``orientation`` (row direction, then column
    direction), ``spacing`` (between rows, between columns) and ``thickness`` are None where the
    header lacks them. ``frame`` counts from 0 in a file with functional groups or of several
    frames, of which it has ``frames``, and is None in any other. ``moments`` are the values of
    `MOMENTS`; ``instance`` is the SOPInstanceUID, ``concatenation`` the ConcatenationUID, and
    ``owner`` the study and the patient, since anonymisers give many series one UID.
    """

    path: Path
    uid: str
    size: tuple[int, int]
    position: NDArray[np.float64] | None
    orientation: NDArray[np.float64] | None
    spacing: NDArray[np.float64] | None
    thickness: NDArray[np.float64] | None
    frame: int | None = None
    frames: int = 1
    moments: tuple[Moment, ...] = ()
    instance: str = ""
    concatenation: str = ""
    owner: tuple[str, str] = ("", "")


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


def read_slices(path: Path) -> list[Slice]:
    """Return what the header of a DICOM file says about the place of its image, or its frames.

    Raises
    ------
    ReadError
        If the header is broken, or the file holds no image.
    """
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=_TAGS)
        _require_image(header, path)
        if int(header.get("NumberOfFrames") or 1) == 1 and not header.get(_FRAMES):
            return [_slice(header, path)]
        _require_frames(header, path)
        headers = list(frame_headers(header))
        return [_slice(frame, path, number, len(headers)) for number, frame in enumerate(headers)]
    except _BAD_HEADER as error:
        raise ReadError(f"{path}: its DICOM header can't be read ({error})") from error


def _require_image(header: Dataset, path: Path) -> None:
    kind = UID(str(header.get("SOPClassUID", "")))
    if kind in _NOT_IMAGES or not (header.get("Rows") and header.get("Columns")):
        reason = f"a DICOM object without an image ({kind.name or 'no SOP class'})"
        raise NoImageError(f"{path}: {reason}")
    mosaic = {*_MOSAICS} & {str(value).upper() for value in header.get("ImageType") or ()}
    if mosaic:
        raise ReadError(
            f"{path}: a mosaic ({mosaic.pop()}), which shows the slices of a volume as tiles of "
            "one picture",
            "export it as enhanced MR, or convert it with dcm2niix",
        )


def _require_frames(header: Dataset, path: Path) -> None:
    """Refuse more frames than a file can hold, and slices whose place only the first one says."""
    count, size = int(header.get("NumberOfFrames") or 1), path.stat().st_size
    syntax = header.file_meta.get("TransferSyntaxUID")
    plain = syntax is None or not (syntax.is_compressed or syntax.is_deflated)
    bits = int(header.get("BitsAllocated") or 8) * int(header.get("SamplesPerPixel") or 1)
    needed = count * (int(header.Rows) * int(header.Columns) * bits // 8 if plain else 8)
    if needed > size and not getattr(syntax, "is_deflated", False):
        raise ReadError(
            f"{path}: {count} frames by its header, which need at least {needed} bytes, but the "
            f"file has {size}",
            "copy or export it again",
        )
    kind = [str(value).upper() for value in header.get("ImageType") or ()]
    if str(header.get("SOPClassUID")) == NuclearMedicineImageStorage and "RECON TOMO" in kind:
        raise ReadError(
            f"{path}: {count} slices of a nuclear medicine tomogram, of which none but the first "
            "says where it lies",
            "convert it to NIfTI with a tool whose rule you trust",
        )


def _slice(header: Dataset, path: Path, frame: int | None = None, frames: int = 1) -> Slice:
    spacing = _numbers(header, "PixelSpacing", 2)
    thickness = _numbers(header, "SliceThickness", 1)
    return Slice(
        path=path,
        uid=str(header.get("SeriesInstanceUID") or ""),
        size=(int(header.Columns), int(header.Rows)),
        position=_numbers(header, "ImagePositionPatient", 3),
        orientation=_numbers(header, "ImageOrientationPatient", 6),
        spacing=_numbers(header, "ImagerPixelSpacing", 2) if spacing is None else spacing,
        thickness=_numbers(header, "SpacingBetweenSlices", 1) if thickness is None else thickness,
        frame=frame,
        frames=frames,
        moments=tuple(_moment(header.get(name)) for name in MOMENTS),
        instance=str(header.get("SOPInstanceUID") or ""),
        concatenation=str(header.get("ConcatenationUID") or ""),
        owner=(str(header.get("StudyInstanceUID") or ""), str(header.get("PatientID") or "")),
    )


def _moment(value: Any) -> Moment:
    if value is None or value == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)


def _numbers(header: Dataset, keyword: str, count: int) -> NDArray[np.float64] | None:
    """Return an element's numbers, or None where it is absent or empty."""
    value = header.get(keyword)
    if value is None or value == "":
        return None
    numbers = np.atleast_1d(np.asarray(value, dtype=float))
    if numbers.shape != (count,) or not np.isfinite(numbers).all():
        raise ValueError(f"{keyword} is {value}, expected {count} finite numbers")
    return numbers
