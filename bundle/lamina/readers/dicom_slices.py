"""What the header of each DICOM file says about its slices."""

import logging
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.filereader import read_partial
from pydicom.pixels import get_decoder
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, NuclearMedicineImageStorage

from lamina.errors import ReadError, reading
from lamina.readers.dicom_file import is_packed, open_dicom, read_header
from lamina.readers.dicom_frames import (
    MOSAIC_TAGS,
    PER_FRAME,
    frame_headers,
    image_kind,
    refuse_mosaic,
)
from lamina.readers.dicom_groups import GROUP_TAGS, Group, read_groups
from lamina.readers.dicom_spacing import Header, read_numbers, read_spacing, read_thickness
from lamina.readers.dicom_values import value_notes

logger = logging.getLogger("lamina")

# Objects that have rows and columns but no image of the body: segmentations, dose, maps.
_NOT_IMAGES = {
    "1.2.840.10008.5.1.4.1.1.66.4",
    "1.2.840.10008.5.1.4.1.1.66.7",
    "1.2.840.10008.5.1.4.1.1.481.2",
    "1.2.840.10008.5.1.4.1.1.30",
}
# What may tell apart images at one position, tried in this order; StackID is that of frames only.
MOMENTS = (
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "DiffusionBValue",
    "DiffusionGradientOrientation",
    "EchoTime",
    "ImageType",
    "AcquisitionNumber",
    "TriggerTime",
    "NominalPercentageOfCardiacPhase",
    "InversionTime",
    "FlipAngle",
    "FrameReferenceTime",
    "AcquisitionTime",
    "StackID",
)
_TAGS = (
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
    *MOMENTS[:-1],
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "SequenceOfUltrasoundRegions",
    "RescaleSlope",
    "ModalityLUTSequence",
    "Modality",
    "SeriesDescription",
    "SeriesDate",
    "StudyDate",
)
_TAG_NUMBERS: list[Any] = [*map(tag_for_keyword, _TAGS), *MOSAIC_TAGS]
_PIXELS = {0x7FE00008, 0x7FE00009, 0x7FE00010}
Moment = float | str | None


@dataclass(frozen=True, eq=False)
class Slice:
    """One image: its file, its series and what places it in space (LPS+, mm).

    ``size`` is (columns, rows). ``position``, ``orientation`` (row direction, then column
    direction), ``spacing`` (between rows, between columns) and ``thickness`` are None where the
    header lacks them. ``frame`` counts from 0 in a file with functional groups or of several
    frames, of which it has ``frames``, and is None in any other. ``moments`` are the values of
    `MOMENTS`; ``instance`` is the SOPInstanceUID, ``concatenation`` the ConcatenationUID, and
    ``owner`` the study and the patient, since anonymisers give many series one UID. ``date`` is
    that of the series, else of the study (ISO). ``notes`` are what was made of odd values.
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
    modality: str = ""
    description: str = ""
    date: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class UnreadFile:
    """A file of which no image is read, and why; ``broken`` where it should have been one."""

    path: Path
    reason: str
    broken: bool = True

    @classmethod
    def of(cls, path: Path, error: ReadError, broken: bool = True) -> "UnreadFile":
        """Return a file with the reason of an error about it, on one line."""
        return cls(path, " ".join(str(error).removeprefix(f"{path}: ").split()), broken)

    @property
    def text(self) -> str:
        """Both in one sentence."""
        return f"{self.path}: {self.reason}"


class NoImageError(ReadError):
    """A DICOM object that is no image: a report, a plan, a segmentation."""


def read_slices(path: Path) -> list[Slice]:
    """Return what the header of a DICOM file says about the place of its image, or its frames.

    Raises
    ------
    ReadError
        If the header is broken, or the file holds no image.
    """
    with reading(path, "its DICOM header can't be read"):
        header, groups = _read(path)
        _require_image(header, path)
        described = len((groups or header).get(PER_FRAME) or [])
        if int(header.get("NumberOfFrames") or 1) == 1 and not described:
            return [_slice(header, _of_file(header, path))]
        _require_frames(header, described, path)
        headers = list(frame_headers(header, groups))
        common = _of_file(header, path) | {"frames": len(headers)}
        return [_slice(frame, common, number) for number, frame in enumerate(headers)]


def _read(path: Path) -> tuple[Dataset, dict[str, list[Group]] | None]:
    """Return a file's header, and its functional groups where the header is without them."""
    with open_dicom(path) as file:
        header = read_partial(file, _at_groups_or_pixels, force=True, specific_tags=_TAG_NUMBERS)
        try:
            implicit, little = header.original_encoding
            if header.file_meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
                return header, read_groups(file, bool(implicit), bool(little))
        except (ValueError, struct.error, RecursionError):
            logger.debug("%s: its functional groups are left to pydicom", path)
    return read_header(path, *_TAG_NUMBERS), None


def _at_groups_or_pixels(tag: int, *_: Any) -> bool:
    return tag in GROUP_TAGS or tag in _PIXELS


def _require_image(header: Dataset, path: Path) -> None:
    kind = UID(str(header.get("SOPClassUID", "")))
    if kind in _NOT_IMAGES or not (header.get("Rows") and header.get("Columns")):
        reason = f"a DICOM object without an image ({kind.name or 'no SOP class'})"
        raise NoImageError(f"{path}: {reason}")
    _require_decoder(header, path)
    refuse_mosaic(header, path)


def _require_decoder(header: Dataset, path: Path) -> None:
    """Refuse pixels that nothing here can decode, such as films, before they are asked for."""
    syntax = header.file_meta.get("TransferSyntaxUID")
    try:
        decoder = get_decoder(syntax) if syntax else None
        missing = "" if decoder is None or decoder.is_available else decoder.missing_dependencies
    except NotImplementedError:
        missing = ["no decoder is known to pydicom"]
    if missing:
        name = syntax if syntax.name == syntax else f"{syntax.name} ({syntax})"
        raise ReadError(
            f"{path}: its pixels are stored as {name}, which can't be decoded: "
            f"{', '.join(missing)}",
            "export it uncompressed",
        )


def _require_frames(header: Dataset, described: int, path: Path) -> None:
    """Refuse more frames than a file can hold, and slices whose place only the first one says."""
    count, size = int(header.get("NumberOfFrames") or 1), path.stat().st_size
    if count < 1 or 0 < described < count:
        raise ReadError(
            f"{path}: {count} frames by its header, of which {described} are described",
            "copy or export it again",
        )
    syntax = header.file_meta.get("TransferSyntaxUID")
    plain = syntax is None or not (syntax.is_compressed or syntax.is_deflated)
    bits = int(header.get("BitsAllocated") or 8) * int(header.get("SamplesPerPixel") or 1)
    needed = count * (int(header.Rows) * int(header.Columns) * bits // 8 if plain else 8)
    if needed > size and not (getattr(syntax, "is_deflated", False) or is_packed(path)):
        raise ReadError(
            f"{path}: {count} frames by its header, which need at least {needed} bytes, but the "
            f"file has {size}",
            "copy or export it again",
        )
    kind = image_kind(header)
    if str(header.get("SOPClassUID")) == NuclearMedicineImageStorage and "RECON TOMO" in kind:
        raise ReadError(
            f"{path}: {count} slices of a nuclear medicine tomogram, of which none but the first "
            "says where it lies",
            "convert it to NIfTI with a tool whose rule you trust",
        )


def _of_file(header: Dataset, path: Path) -> dict[str, Any]:
    """Return what all frames of a file have in common."""
    return {
        "path": path,
        "uid": _text(header, "SeriesInstanceUID"),
        "size": (int(header.Columns), int(header.Rows)),
        "instance": _text(header, "SOPInstanceUID"),
        "concatenation": _text(header, "ConcatenationUID"),
        "owner": (_text(header, "StudyInstanceUID"), _text(header, "PatientID")),
        "modality": _text(header, "Modality"),
        "description": _text(header, "SeriesDescription"),
        "date": _iso_date(_text(header, "SeriesDate")) or _iso_date(_text(header, "StudyDate")),
    }


def _slice(header: Header, common: Mapping[str, Any], frame: int | None = None) -> Slice:
    spacing, notes = read_spacing(header)
    return Slice(
        **common,
        position=read_numbers(header, "ImagePositionPatient", 3),
        orientation=read_numbers(header, "ImageOrientationPatient", 6),
        spacing=spacing,
        thickness=read_thickness(header),
        frame=frame,
        moments=tuple(_moment(header.get(name)) for name in MOMENTS),
        notes=(*notes, *value_notes(header)),
    )


def _text(header: Dataset, keyword: str) -> str:
    return str(header.get(keyword) or "")


def _iso_date(text: str) -> str:
    """Return a date of DICOM, or of ACR-NEMA with dots, as ISO has it; "" for what is none.

    >>> _iso_date("20240131"), _iso_date("2024.01.31"), _iso_date("***"), _iso_date("20240231")
    ('2024-01-31', '2024-01-31', '', '')
    """
    match = re.fullmatch(r"(\d{4})\.?(\d\d)\.?(\d\d)", text.strip())
    try:
        return date.fromisoformat("-".join(match.groups())).isoformat() if match else ""
    except ValueError:
        return ""


def _moment(value: Any) -> Moment:
    if value is None or value == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)
