"""The frames of a multi-frame DICOM object as slices (PS3.3, C.7.6.16).

What places a frame in space stands in the functional groups: those of the frame itself, else those
that all frames share.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from lamina.errors import ReadError

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
    "FrameContentSequence": {
        "TemporalPositionIndex": "TemporalPositionIndex",
        "StackID": "StackID",
        "FrameAcquisitionDateTime": "AcquisitionTime",
    },
    "CardiacSynchronizationSequence": {
        "NominalCardiacTriggerDelayTime": "TriggerTime",
        "NominalPercentageOfCardiacPhase": "NominalPercentageOfCardiacPhase",
    },
    "MRTimingAndRelatedParametersSequence": {"FlipAngle": "FlipAngle"},
    "MRModifierSequence": {"InversionTimes": "InversionTime"},
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

_MOSAICS = ("MOSAIC", "VFRAME")
# How many slices a picture holds as tiles, by Siemens and by United Imaging, below their names.
_TILES = {0x0019100A: (0x00190010, "SIEMENS MR HEADER"), 0x00651050: (0x00650010, "Image Private")}
_CSA, _CSA_COUNT = 0x00291010, b"NumberOfImagesInMosaic\0"
_CSA_ITEMS, _CSA_TEXT = 76, 100
MOSAIC_TAGS = (*_TILES, *(tag for tag, _ in _TILES.values()), _CSA)

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


def image_kind(header: Dataset) -> list[str]:
    """Return the values of ImageType in capitals, of which there may be one or none.

    >>> header = Dataset()
    >>> header.ImageType = "mosaic"
    >>> image_kind(header)
    ['MOSAIC']
    """
    value = header.get("ImageType") or []
    return [str(one).upper() for one in ([value] if isinstance(value, str) else value)]


def refuse_mosaic(header: Dataset, path: Path) -> None:
    """Refuse a picture that holds the slices of a volume as tiles: their places are not known.

    >>> refuse_mosaic(Dataset(), Path("a.dcm"))
    """
    sign = _mosaic_sign(header)
    if sign:
        raise ReadError(
            f"{path}: a mosaic ({sign}), which shows the slices of a volume as tiles of one "
            "picture",
            "export it as enhanced MR, or convert it with dcm2niix",
        )


def _mosaic_sign(header: Dataset) -> str:
    """Return what says that a picture is a mosaic, "" where nothing does."""
    for kind in image_kind(header):
        if kind in _MOSAICS:
            return kind
    for tag, (creator, owner) in _TILES.items():
        name = str(header[creator].value) if creator in header else ""
        if name.startswith(owner) and tag in header and _count(header[tag].value) > 1:
            return f"{name}, {_count(header[tag].value)} tiles"
    tiles = _csa_count(header[_CSA].value) if _CSA in header else 0
    return f"NumberOfImagesInMosaic {tiles}" if tiles > 1 else ""


def _count(value: Any) -> int:
    """Return a whole number, also where the type of a private element is unknown."""
    if isinstance(value, bytes) and not value.strip(b" \0").isdigit():
        return int.from_bytes(value[:2], "little")
    text = value.decode() if isinstance(value, bytes) else str(value)
    number = re.match(r"\d+", text.strip())
    return int(number[0]) if number else 0


def _csa_count(content: Any) -> int:
    """Return NumberOfImagesInMosaic of Siemens' header: a name, counts, and values as text."""
    at = content.find(_CSA_COUNT) if isinstance(content, bytes) else -1
    items = content[at + _CSA_ITEMS : at + _CSA_ITEMS + 4] if at >= 0 else b""
    if not int.from_bytes(items, "little"):
        return 0
    text = content[at + _CSA_TEXT : at + _CSA_TEXT + 12].split(b"\0")[0]
    return _count(text) if text.strip().isdigit() else 0
