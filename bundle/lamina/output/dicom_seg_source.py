"""The headers of the DICOM images that a segmentation refers to."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from lamina.cases.dicom import dicom_plan
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


def read_sources(address: str) -> tuple[list[Dataset], list[int]]:
    """Return the headers of a series, of a multi-frame file, or of a single image.

    They stand in the order of the volume's last axis, without pixels; what may be empty but must
    be there is added empty. With them comes the slice of the volume that lies at each source frame:
    0, 1, 2 … but where the reader filled in missing slices, or the frames of one file lie in
    another order.

    Raises
    ------
    DataError
        If a segmentation can't refer to the images; says which element is missing.
    """
    plan = dicom_plan(address)
    headers = [_read_header(path) for path in dict.fromkeys(one.path for one in plan.slices)]
    for header in headers:
        _require_identity(header)
    places = np.asarray(plan.places)[
        np.argsort([one.frame or 0 for one in plan.slices], kind="stable")
    ]
    return headers, places.round().astype(int).tolist()


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
