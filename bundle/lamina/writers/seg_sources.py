"""The headers of a source as highdicom takes them, so that a DICOM SEG can refer to them.

What real archives hold differs from what highdicom accepts: what is mended here is mended in the
copies of the headers alone, and changes nothing that the segmentation says of its source.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, MRImageStorage
from pydicom.valuerep import DA, DT, TM

from lamina.errors import DataError
from lamina.readers.dicom_file import read_header
from lamina.readers.dicom_slices import Slice
from lamina.readers.source import Source

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
_TIMES: dict[str, Callable[[str], Any]] = {"DA": DA, "DT": DT, "TM": TM}
_SHARED = "SharedFunctionalGroupsSequence"
_PER_FRAME = "PerFrameFunctionalGroupsSequence"


@dataclass(frozen=True)
class SegSources:
    """What a segmentation refers to.

    ``headers`` are those of a series in the order of the volume's last axis, or the one of a
    multi-frame file, without pixels. ``planes`` is the slice of the volume that lies at each
    source frame: 0, 1, 2 … but where the reader filled in missing slices, or the frames of one
    file lie in another order. ``frames`` are the numbers, from 1, that the header's frames have in
    their file, None where they are all of it. ``classes`` are the SOP classes of instances whose
    header says another one: highdicom tells frames of one file from single images by the class.
    """

    headers: list[Dataset]
    planes: list[int]
    frames: list[int] | None = None
    classes: dict[str, str] = field(default_factory=dict)


def read_sources(address: str) -> SegSources:
    """Return what a segmentation of a series, a multi-frame file or an image refers to.

    Raises
    ------
    DataError
        If a segmentation can't refer to the images; says which element is missing.
    """
    plan = Source.of(address).plan
    files = {one.path: _read_header(one.path) for one in plan.slices}
    for header in files.values():
        _require_identity(header)
    planes = np.asarray(plan.places).round().astype(int)
    if plan.slices[0].frame is None or len(files) == len(plan.slices) > 1:
        headers = [files[one.path] for one in plan.slices]
        _require_one_frame_of_reference(headers, address)
        classes = {str(header.SOPInstanceUID): str(header.SOPClassUID) for header in headers}
        if plan.slices[0].frame is not None:
            headers = [_as_single(files[one.path], one) for one in plan.slices]
        _share_orientation(headers)
        return SegSources(headers, planes.tolist(), classes=classes)
    if len(files) > 1:
        raise DataError(
            f"{address}: no DICOM SEG can refer to it, since its frames lie in {len(files)} files",
            "take another format",
        )
    order = np.argsort([one.frame or 0 for one in plan.slices], kind="stable")
    chosen = [plan.slices[index].frame or 0 for index in order]
    header, numbers = _of_frames(next(iter(files.values())), chosen)
    return SegSources([header], planes[order].tolist(), numbers)


def is_placed(header: Dataset) -> bool:
    """Say whether an image has a place in space."""
    return "ImagePositionPatient" in header or _PER_FRAME in header


def _read_header(path: Path) -> Dataset:
    header = read_header(path)
    for keyword in _MAY_BE_EMPTY:
        if keyword not in header:
            setattr(header, keyword, "")
    _without_broken_times(header)
    sets = header.get("SpecificCharacterSet")
    if not sets:
        header.pop("SpecificCharacterSet", None)
    elif not isinstance(sets, str):
        # An empty one stands for the default repertoire (PS3.3, C.12.1.1.2).
        header.SpecificCharacterSet = [str(name) or "ISO 2022 IR 6" for name in sets]
    return header


def _without_broken_times(header: Dataset) -> None:
    """Empty dates and times that are none, as ``***``: highdicom copies them as values."""
    for element in header:
        parse = _TIMES.get(element.VR)
        if parse and element.value:
            try:
                parse(str(element.value))
            except ValueError:
                element.value = ""


def _require_identity(header: Dataset) -> None:
    """Refuse what has no UID: it must not be made up, since others would not find the image."""
    needed = [*_IDENTITY, "FrameOfReferenceUID"] if is_placed(header) else _IDENTITY
    missing = [keyword for keyword in needed if not header.get(keyword)]
    if missing:
        raise DataError(
            f"{header.filename}: no DICOM SEG can refer to it, since it has no "
            f"{' and no '.join(missing)}",
            "take another format, or export the series again with its UIDs",
        )


def _require_one_frame_of_reference(headers: Sequence[Dataset], address: str) -> None:
    frames = sorted({str(header.get("FrameOfReferenceUID", "")) for header in headers})
    if len(frames) > 1:
        raise DataError(
            f"{address}: no DICOM SEG can refer to it, since its slices name {len(frames)} frames "
            "of reference, expected one",
            "take another format, or export the series again",
        )


def _as_single(header: Dataset, one: Slice) -> Dataset:
    """Let a file of one frame with functional groups say its place as a plain image does."""
    assert one.position is not None
    assert one.orientation is not None
    assert one.spacing is not None
    for keyword in (_SHARED, _PER_FRAME, "NumberOfFrames"):
        header.pop(keyword, None)
    header.SOPClassUID = CTImageStorage if header.get("Modality") == "CT" else MRImageStorage
    header.ImagePositionPatient = one.position.tolist()
    header.ImageOrientationPatient = one.orientation.tolist()
    header.PixelSpacing = one.spacing.tolist()
    if one.thickness is not None:
        header.SliceThickness = float(one.thickness[0])
    return header


def _share_orientation(headers: Sequence[Dataset]) -> None:
    """Give all slices the first one's orientation and spacing, from which they differ in digits."""
    for keyword in ("ImageOrientationPatient", "PixelSpacing"):
        if keyword in headers[0]:
            for header in headers[1:]:
                setattr(header, keyword, headers[0].get(keyword))


def _of_frames(header: Dataset, frames: Sequence[int]) -> tuple[Dataset, list[int] | None]:
    """Return the header of some frames of a file, and their numbers where they are not all."""
    groups = header.get(_PER_FRAME)
    if groups is None:
        return header, None
    _share_measures(header, [groups[number] for number in frames])
    if len(frames) == len(groups):
        return header, None
    part = deepcopy(header)
    part.PerFrameFunctionalGroupsSequence = [groups[number] for number in frames]
    part.NumberOfFrames = len(frames)
    return part, [number + 1 for number in frames]


def _share_measures(header: Dataset, groups: Sequence[Dataset]) -> None:
    """Let the shared groups say what each frame says by itself, as Siemens XA stores it."""
    shared = header.get(_SHARED)
    if not shared:
        header.SharedFunctionalGroupsSequence = shared = [Dataset()]
    for name in ("PixelMeasuresSequence", "PlaneOrientationSequence"):
        if name not in header.SharedFunctionalGroupsSequence[0] and name in groups[0]:
            setattr(header.SharedFunctionalGroupsSequence[0], name, groups[0].get(name))
            for group in groups:
                group.pop(name, None)
