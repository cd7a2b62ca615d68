"""The frames of a multi-frame DICOM object as slices (PS3.3, C.7.6.16).

What places a frame in space stands in the functional groups: those of the frame itself, else those
that all frames share.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pydicom.dataset import Dataset

SHARED = "SharedFunctionalGroupsSequence"
PER_FRAME = "PerFrameFunctionalGroupsSequence"
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
    "SequenceOfUltrasoundRegions",
)

Wanted = Mapping[str, Any]
"""Of a group, the elements that are taken, each with its name in a single slice's header."""

WANTED: Wanted = {
    "PlanePositionSequence": {"ImagePositionPatient": "ImagePositionPatient"},
    "PlaneOrientationSequence": {"ImageOrientationPatient": "ImageOrientationPatient"},
    "PixelMeasuresSequence": {"PixelSpacing": "PixelSpacing", "SliceThickness": "SliceThickness"},
    "FrameContentSequence": {"TemporalPositionIndex": "TemporalPositionIndex"},
    "CardiacSynchronizationSequence": {"NominalCardiacTriggerDelayTime": "TriggerTime"},
    "MRDiffusionSequence": {
        "DiffusionBValue": "DiffusionBValue",
        "DiffusionGradientDirectionSequence": {
            "DiffusionGradientOrientation": "DiffusionGradientOrientation"
        },
    },
    "MRImageFrameTypeSequence": {"FrameType": "ImageType"},
    "MREchoSequence": {"EffectiveEchoTime": "EchoTime"},
    "PixelValueTransformationSequence": {
        "RescaleSlope": "RescaleSlope",
        "RescaleIntercept": "RescaleIntercept",
    },
}

Frame = Mapping[str, Any]
"""The elements of one frame by keyword, as the header of a single slice would have them."""


def frame_headers(
    header: Dataset, groups: Mapping[str, list[dict[str, Any]]] | None = None
) -> Iterator[Frame]:
    """Yield for each frame the elements that a single slice would have.

    Parameters
    ----------
    header
        Of the file.
    groups
        The functional groups as `lamina.readers.dicom_groups.read_groups` returns them, where the
        header is without them.

    Examples
    --------
    >>> plain = Dataset()
    >>> plain.NumberOfFrames = 2
    >>> len(list(frame_headers(plain)))
    2
    """
    if groups is None:
        groups = {
            name: [_values(item, WANTED) for item in header.get(name) or []]
            for name in (SHARED, PER_FRAME)
        }
    of_all = {name: header.get(name) for name in _OF_ALL_FRAMES}
    for shared in groups[SHARED][:1]:
        of_all |= shared
    own = groups[PER_FRAME]
    for number in range(int(header.get("NumberOfFrames") or 1)):
        yield of_all | (own[number] if number < len(own) else {})


def _values(item: Dataset, wanted: Wanted) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, taken in wanted.items():
        found = item.get(name)
        if isinstance(taken, str):
            if found is not None:
                values[taken] = found
        elif found:
            values |= _values(found[0], taken)
    return values
