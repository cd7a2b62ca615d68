"""How large the pixels of a DICOM image are, by its header: in mm, or not known.

PixelSpacing counts, else ImagerPixelSpacing (at the detector), else the calibration of an
ultrasound picture (PS3.3, C.8.5.5): regions in cm that agree within 1 %, lie within the picture and
hold more than half of it, and beside which no region has another unit (Doppler, M-mode, ECG).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

_CM, _TISSUE = 3, 1
_GRAPHICS = 5
_SAME, _COVERED = 0.01, 0.5
_REGION = ("MinX0", "MinY0", "MaxX1", "MaxY1")

Header = Mapping[str, Any] | Dataset
Numbers = NDArray[np.float64]


def read_spacing(header: Header) -> tuple[Numbers | None, list[str]]:
    """Return the distances between rows and between columns in mm, and what to tell about them.

    >>> read_spacing({"PixelSpacing": [0.0, 0.0], "ImagerPixelSpacing": [0.2, 0.1]})
    (array([0.2, 0.1]), ['PixelSpacing is 0\\\\0, taken as unknown'])
    """
    notes: list[str] = []
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        spacing = _lengths(header, keyword, 2, notes)
        if spacing is not None:
            return spacing, notes
    regions = header.get("SequenceOfUltrasoundRegions")
    if not regions:
        return None, notes
    spacing, text = _ultrasound_spacing(header, regions)
    if spacing is None:
        notes.append(
            f"its ultrasound calibration is not used, since {text}: sizes are in pixels, unless "
            "--pixel-size gives them"
        )
    elif text:
        notes.append(f"its ultrasound calibration is for {text}, and taken for all of it")
    return spacing, notes


def read_thickness(header: Header) -> Numbers | None:
    """Return the thickness of a slice, else the distance of two, where it is above 0.

    >>> read_thickness({"SliceThickness": 0.0, "SpacingBetweenSlices": 2.5})
    array([2.5])
    """
    thickness = _lengths(header, "SliceThickness", 1, [])
    return _lengths(header, "SpacingBetweenSlices", 1, []) if thickness is None else thickness


def read_numbers(header: Header, keyword: str, count: int) -> Numbers | None:
    """Return an element's numbers, or None where it is absent or empty.

    >>> read_numbers({"SliceThickness": ""}, "SliceThickness", 1)
    """
    value = header.get(keyword)
    if value is None or value == "":
        return None
    numbers = np.atleast_1d(np.asarray(value, dtype=float))
    if numbers.shape != (count,) or not np.isfinite(numbers).all():
        raise ValueError(f"{keyword} is {value}, expected {count} finite numbers")
    return numbers


def _lengths(header: Header, keyword: str, count: int, notes: list[str]) -> Numbers | None:
    """Return lengths, or None where they are absent, empty or 0; the last is noted."""
    numbers = read_numbers(header, keyword, count)
    if numbers is None or numbers.all():
        return numbers
    text = "\\".join(f"{number:g}" for number in numbers)
    notes.append(f"{keyword} is {text}, taken as unknown")
    return None


def _ultrasound_spacing(header: Header, regions: Sequence[Any]) -> tuple[Numbers | None, str]:
    """Return what the regions agree on, and what to tell: why it is not known, or a reservation."""
    drawn = [one for one in regions if one.get("RegionSpatialFormat") != _GRAPHICS]
    covered = _covered(header, drawn)
    if covered is None:
        return None, "a region lies outside of the picture"
    sizes = [_region_spacing(one) for one in drawn]
    known = [size for size in sizes if size is not None]
    if not known or len(known) < len(sizes):
        return None, "a region is not in cm in both directions (as Doppler, M-mode, ECG)"
    if np.ptp(known, axis=0).max() > _SAME * np.min(known):
        texts = ", ".join(f"{size[0]:.4g} × {size[1]:.4g}" for size in known)
        return None, f"its regions disagree: {texts} mm"
    if covered <= _COVERED:
        return None, f"its regions hold only {covered:.0%} of the picture"
    return known[0], "" if covered == 1 else f"{covered:.0%} of the picture"


def _covered(header: Header, regions: Sequence[Any]) -> float | None:
    """Return the share of the picture that lies in regions; None where one lies outside."""
    held = np.zeros((int(header.get("Rows") or 0), int(header.get("Columns") or 0)), bool)
    for one in regions:
        left, top, right, bottom = (int(one.get(f"RegionLocation{n}") or 0) for n in _REGION)
        if not (0 <= left <= right < held.shape[1] and 0 <= top <= bottom < held.shape[0]):
            return None
        held[top : bottom + 1, left : right + 1] = True
    return float(held.mean())


def _region_spacing(region: Any) -> Numbers | None:
    """Return a region's size of pixels in mm (between rows, between columns), if it has one."""
    units = {region.get(f"PhysicalUnits{axis}Direction") for axis in "XY"}
    sizes = [abs(float(region.get(f"PhysicalDelta{axis}") or 0)) * 10 for axis in "YX"]
    plane = region.get("RegionSpatialFormat") == _TISSUE
    return np.array(sizes) if plane and units == {_CM} and min(sizes) > 0 else None
