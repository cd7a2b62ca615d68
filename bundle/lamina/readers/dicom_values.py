"""From what a DICOM file stores to grey values: colours, palettes, inversion, modality (PS3.3, C.11).

Colours become grey by their luminance, in the range that they are stored in. Where the smallest
value means white (MONOCHROME1), values are mirrored within the range of their bits, and what pads
the picture becomes its darkest. Then RescaleSlope and RescaleIntercept are applied; a slope that is
missing or 0 counts as 1. The modality's table, where there is one, is looked up instead, and its
results are mirrored; a table that is empty or has one value for everything counts as none.
"""

from collections.abc import Sequence
from pathlib import Path
from struct import unpack
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels.processing import _expand_segmented_lut
from pydicom.pixels.utils import get_expected_length

from lamina.errors import ReadError
from lamina.readers.dicom_spacing import Header
from lamina.readers.pictures import luminance
from lamina.readers.pixel_process import decode, frames_of
from lamina.zips import MOST_GB, refuse_bomb

_PALETTE, _INVERTED = "PALETTE COLOR", "MONOCHROME1"
_LUMA = ("YBR_FULL", "YBR_FULL_422")
_KINDS = (_INVERTED, "MONOCHROME2", _PALETTE, "RGB", *_LUMA, "YBR_ICT", "YBR_RCT")

Values = NDArray[Any]


def stored_pixels(image: Dataset, path: Path, frames: Sequence[int]) -> Values:
    """Return (frames, rows, columns[, 3]) as stored: grey, places in a palette, RGB, or luma.

    Frames count from 0; where not all are asked for, no other is decoded.

    Raises
    ------
    ReadError
        If its colours are of a kind that is not known.
    """
    kind = image.PhotometricInterpretation
    if kind not in _KINDS:
        raise ReadError(
            f"{image.filename}: its colours are {kind}, expected one of {', '.join(_KINDS)}",
            "export it as RGB",
        )
    # Y is the luminance; pydicom has the way to RGB for 8 bits only.
    luma = kind in _LUMA and image.BitsAllocated > 8
    stored = _decoded(image, path, frames, raw=luma)
    return stored[..., 0] if luma else stored


def _decoded(image: Dataset, path: Path, frames: Sequence[int], *, raw: bool) -> Values:
    """Return frames as pydicom has them; compressed ones come from a process of their own."""
    if not image.file_meta.TransferSyntaxUID.is_encapsulated:
        return frames_of(image, frames, raw)
    size = get_expected_length(image) * len(frames) // int(image.get("NumberOfFrames") or 1)
    refuse_bomb(path, size, path.stat().st_size, MOST_GB)
    return decode(path, size, frames, raw)


def grey_values(stored: Values, image: Dataset, frame: Header) -> NDArray[np.float32]:
    """Return one frame (rows, columns) as grey values, by its own modality transformation."""
    inverted = image.PhotometricInterpretation == _INVERTED
    if image.PhotometricInterpretation == _PALETTE:
        stored = _looked_up(stored, *_palette(image))
    if stored.ndim == 3:
        eight = stored.dtype == np.uint8
        stored = np.asarray(Image.fromarray(stored).convert("L")) if eight else luminance(stored)
    table = _modality_table(image)
    if table is not None:
        low, high = 0, 2 ** int(image.ModalityLUTSequence[0].LUTDescriptor[2]) - 1
        values, slope, intercept = _looked_up(stored, *table).astype(np.int64), 1.0, 0.0
    else:
        low, high = _range(image)
        values, (slope, intercept) = stored, _rescaling(frame, image)
    if not inverted:
        return (values * slope + intercept).astype(np.float32)
    mirrored = low + high - np.asarray(values, np.int64)
    darkest = low if slope > 0 else high
    mirrored = np.where(_is_padding(stored, image), darkest, mirrored)
    return (mirrored * slope + intercept).astype(np.float32)


def value_notes(header: Header) -> list[str]:
    """Say what is made of a modality transformation that is none.

    >>> value_notes({"RescaleSlope": 0.0, "ModalityLUTSequence": []})
    ['RescaleSlope is 0, taken as 1', 'ModalityLUTSequence holds no table, left out']
    """
    notes = []
    if "RescaleSlope" in header and not header.get("RescaleSlope"):
        is_0 = header.get("RescaleSlope") == 0
        notes.append(f"RescaleSlope is {0 if is_0 else 'empty'}, taken as 1")
    if header.get("ModalityLUTSequence") is not None and _modality_table(header) is None:
        notes.append("ModalityLUTSequence holds no table, left out")
    return notes


def _rescaling(frame: Header, image: Dataset) -> tuple[float, float]:
    header = frame if frame.get("RescaleSlope") is not None else image
    return float(header.get("RescaleSlope") or 1), float(header.get("RescaleIntercept") or 0)


def _range(image: Dataset) -> tuple[int, int]:
    bits = int(image.BitsStored)
    return (
        (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if image.PixelRepresentation else (0, 2**bits - 1)
    )


def _is_padding(stored: Values, image: Dataset) -> Any:
    value = image.get("PixelPaddingValue")
    if value is None:
        return False
    limit = image.get("PixelPaddingRangeLimit")
    ends = [_signed(one, image) for one in (value, value if limit is None else limit)]
    return (stored >= min(ends)) & (stored <= max(ends))


def _signed(value: Any, image: Header) -> int:
    """Return a value that is stored like the pixels, though a writer called it unsigned."""
    negative = image.get("PixelRepresentation") == 1 and int(value) >= 2**15
    return int(value) - (2**16 if negative else 0)


def _looked_up(stored: Values, first: int, table: Values) -> Values:
    return table[np.clip(stored.astype(np.int64) - first, 0, len(table) - 1)]


def _modality_table(image: Header) -> tuple[int, Values] | None:
    """Return the first stored value that a table maps, and the table; None where it is none."""
    sequence = image.get("ModalityLUTSequence")
    descriptor = sequence[0].get("LUTDescriptor") if sequence else None
    data = sequence[0].get("LUTData") if sequence else None
    if not descriptor or not data:
        return None
    table = _entries(data, descriptor, image, "ModalityLUTSequence")
    return None if np.ptp(table) == 0 else (_signed(descriptor[1], image), table)


def _palette(image: Dataset) -> tuple[int, Values]:
    """Return the first stored value that a palette maps, and its colours (entries, 3)."""
    bands = []
    for colour in ("Red", "Green", "Blue"):
        name = f"{colour}PaletteColorLookupTable"
        descriptor = image.get(f"{name}Descriptor")
        data = image.get(f"{name}Data")
        if descriptor and not data:
            data = _expanded(image.get(f"Segmented{name}Data"), descriptor, image)
        if not descriptor or not data:
            raise ReadError(f"{image.filename}: a palette without {name}", "export it as RGB")
        bands.append(_entries(data, descriptor, image, name))
    return _signed(descriptor[1], image), np.stack(bands, axis=-1)


def _expanded(data: bytes | None, descriptor: Sequence[int], image: Dataset) -> list[int]:
    if not data:
        return []
    code = "B" if descriptor[2] == 8 else "H"
    form = f"{_order(image)}{len(data) // (1 if code == 'B' else 2)}{code}"
    return _expand_segmented_lut(unpack(form, data), form)


def _entries(data: Any, descriptor: Sequence[int], image: Header, name: str) -> Values:
    """Return a table as its descriptor says: how many entries, the first value, bits."""
    count = int(descriptor[0]) or 2**16
    if isinstance(data, bytes):
        of_bytes = count <= len(data) < 2 * count
        table = np.frombuffer(data, np.uint8 if of_bytes else f"{_order(image)}u2")
    else:
        table = np.atleast_1d(np.asarray(data, np.uint8 if descriptor[2] == 8 else np.uint16))
    if len(table) < count:
        raise ValueError(f"{name} has {len(table)} entries, its descriptor says {count}")
    return table[:count]


def _order(image: Any) -> str:
    return "<" if image.original_encoding[1] in (True, None) else ">"
