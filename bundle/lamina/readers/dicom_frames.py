"""The frames of a multi-frame DICOM object as slices (PS3.3, C.7.6.16).

What places a frame in space stands in the functional groups: those of the frame itself, else those
that all frames share.
"""

from collections.abc import Iterator
from typing import Any

from pydicom.dataset import Dataset

_DIRECTION = ("DiffusionGradientOrientation",)
_DELAY = "NominalCardiacTriggerDelayTime"
_OF_ALL_FRAMES = (
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "PatientID",
    "ConcatenationUID",
    "Rows",
    "Columns",
    "PixelSpacing",
    "ImagerPixelSpacing",
)


def frame_headers(header: Dataset) -> Iterator[Dataset]:
    """Yield for each frame a header with the elements that a single slice would have.

    >>> plain = Dataset()
    >>> plain.NumberOfFrames = 2
    >>> len(list(frame_headers(plain)))
    2
    """
    shared = _first(header, "SharedFunctionalGroupsSequence")
    own = header.get("PerFrameFunctionalGroupsSequence") or []
    for number in range(int(header.NumberOfFrames)):
        groups = [own[number]] if number < len(own) else []
        frame = Dataset()
        for name in _OF_ALL_FRAMES:
            if header.get(name) is not None:
                setattr(frame, name, header.get(name))
        for group in [shared, *groups]:
            _take(frame, group, "PlanePositionSequence", "ImagePositionPatient")
            _take(frame, group, "PlaneOrientationSequence", "ImageOrientationPatient")
            _take(frame, group, "PixelMeasuresSequence", "PixelSpacing", "SliceThickness")
            _take(frame, group, "FrameContentSequence", "TemporalPositionIndex")
            _take(frame, group, "CardiacSynchronizationSequence", _DELAY, as_name="TriggerTime")
            _take(frame, group, "MRDiffusionSequence", "DiffusionBValue")
            directions = _first(group, "MRDiffusionSequence")
            _take(frame, directions, "DiffusionGradientDirectionSequence", *_DIRECTION)
            _take(frame, group, "MRImageFrameTypeSequence", "FrameType", as_name="ImageType")
            _take(frame, group, "MREchoSequence", "EffectiveEchoTime", as_name="EchoTime")
            _take(frame, group, "PixelValueTransformationSequence", "RescaleSlope")
            _take(frame, group, "PixelValueTransformationSequence", "RescaleIntercept")
        yield frame


def _take(
    frame: Dataset, group: Dataset | None, sequence: str, *names: str, as_name: str | None = None
) -> None:
    found = _first(group, sequence)
    for name in names:
        value: Any = found.get(name) if found is not None else None
        if value is not None:
            setattr(frame, as_name or name, value)


def _first(holder: Dataset | None, sequence: str) -> Dataset | None:
    items = holder.get(sequence) if holder is not None else None
    return items[0] if items else None
