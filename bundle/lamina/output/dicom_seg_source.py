"""The headers of the DICOM images that a segmentation refers to."""

from collections.abc import Sequence
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from lamina.cases.dicom import dicom_slices
from lamina.errors import DataError

_IDENTITY = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
# Type 2 in every image (PS3.3, C.7.1.1 and C.7.2.1): may be empty, but must be there.
_MAY_BE_EMPTY = (
    "AccessionNumber",
    "PatientBirthDate",
    "PatientID",
    "PatientName",
    "PatientSex",
    "ReferringPhysicianName",
    "StudyDate",
    "StudyID",
    "StudyTime",
)


def read_sources(address: str) -> list[Dataset]:
    """Return the headers of a series, of a multi-frame file, or of a single image.

    They stand in the order of the volume's last axis, without pixels. What may be empty but must
    be there is added empty.

    Raises
    ------
    DataError
        If a segmentation can't refer to the images; says which element is missing.
    """
    headers = [_read_header(one.path) for one in dicom_slices(address)]
    for header in headers:
        _require_identity(header)
    return headers


def _read_header(path: Path) -> Dataset:
    header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    for keyword in _MAY_BE_EMPTY:
        if keyword not in header:
            setattr(header, keyword, "")
    if not header.get("SpecificCharacterSet"):
        header.pop("SpecificCharacterSet", None)
    return header


def _require_identity(header: Dataset) -> None:
    """Refuse what has no UID: it must not be made up, since others would not find the image."""
    placed = "ImagePositionPatient" in header or "PerFrameFunctionalGroupsSequence" in header
    needed = [*_IDENTITY, "FrameOfReferenceUID"] if placed else _IDENTITY
    missing = [keyword for keyword in needed if not header.get(keyword)]
    if missing:
        raise DataError(
            f"{header.filename}: no DICOM SEG can refer to it, since it has no {_list(missing)}",
            "take another format, or export the series again with its UIDs",
        )


def _list(words: Sequence[str]) -> str:
    return " and no ".join(words)
