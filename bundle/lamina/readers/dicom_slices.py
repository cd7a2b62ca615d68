"""What the header of each DICOM file says about its slices."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID

from lamina.errors import ReadError, reading
from lamina.readers.dicom_file import read_header
from lamina.readers.dicom_frames import frame_headers

_FRAMES = "PerFrameFunctionalGroupsSequence"
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
        If the header is broken, the file holds no image, or frames without a place in space.
    """
    with reading(path, "its DICOM header can't be read"):
        header = read_header(path, *_TAGS)
        _require_image(header, path)
        count = int(header.get("NumberOfFrames") or 1)
        if count == 1 and not header.get(_FRAMES):
            return [_slice(header, path)]
        _require_groups(len(header.get(_FRAMES) or []), count, path)
        headers = list(frame_headers(header))
        slices = [_slice(frame, path, number, len(headers)) for number, frame in enumerate(headers)]
        if len(slices) > 1 and any(one.position is None for one in slices):
            raise _not_placed(count, path)
        return slices


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


def _require_groups(groups: int, count: int, path: Path) -> None:
    """Refuse frames without a place of their own, before each of them takes time and memory."""
    if count > 1 and not groups:
        raise _not_placed(count, path)
    if groups < count or count < 1:
        raise ReadError(
            f"{path}: {count} frames by its header, of which {groups} are described",
            "copy or export it again",
        )


def _not_placed(count: int, path: Path) -> ReadError:
    return ReadError(
        f"{path}: {count} frames that do not say where they lie (a cine loop, not a volume)",
        "export the frame that you want as one image",
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
