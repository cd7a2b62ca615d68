"""How large the pixels of a DICOM image are, by its header: in mm, or not known.

PixelSpacing counts, else ImagerPixelSpacing (at the detector), else the calibration of an
ultrasound picture (PS3.3, C.8.5.5): regions in cm that agree within 1 %, lie within the picture and
hold more than half of it, and beside which no region has another unit (Doppler, M-mode, ECG).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CM, _TISSUE = 3, 1
_GRAPHICS = 5
_SAME, _COVERED = 0.01, 0.5
_REGION = ("MinX0", "MinY0", "MaxX1", "MaxY1")

Header = Mapping[str, Any]
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
    return (_ultrasound_spacing(header, regions, notes) if regions else None), notes


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


def _ultrasound_spacing(header: Header, regions: Sequence[Any], notes: list[str]) -> Numbers | None:
    rows, columns = int(header.get("Rows") or 0), int(header.get("Columns") or 0)
    drawn = [one for one in regions if one.get("RegionSpatialFormat") != _GRAPHICS]
    sizes = [_region_spacing(one) for one in drawn]
    known = [size for size in sizes if size is not None]
    covered = np.zeros((rows, columns), bool)
    for one in drawn:
        left, top, right, bottom = (int(one.get(f"RegionLocation{n}") or 0) for n in _REGION)
        if not (0 <= left <= right < columns and 0 <= top <= bottom < rows):
            return _unknown(notes, "a region lies outside of the picture")
        covered[top : bottom + 1, left : right + 1] = True
    if not known or len(known) < len(sizes):
        return _unknown(notes, "a region is not in cm in both directions (Doppler, M-mode, ECG)")
    if np.ptp(known, axis=0).max() > _SAME * np.min(known):
        texts = ", ".join(f"{size[0]:.4g}×{size[1]:.4g}" for size in known)
        return _unknown(notes, f"its regions disagree ({texts} mm)")
    share = float(covered.mean())
    if share <= _COVERED:
        return _unknown(notes, f"its regions hold only {share:.0%} of the picture")
    if share < 1:
        notes.append(
            f"calibrated for ultrasound in {share:.0%} of the picture, taken for all of it"
        )
    return known[0]


def _region_spacing(region: Any) -> Numbers | None:
    """Return a region's size of pixels in mm (between rows, between columns), if it has one."""
    units = {region.get(f"PhysicalUnits{axis}Direction") for axis in "XY"}
    sizes = [abs(float(region.get(f"PhysicalDelta{axis}") or 0)) * 10 for axis in "YX"]
    plane = region.get("RegionSpatialFormat") == _TISSUE
    return np.array(sizes) if plane and units == {_CM} and min(sizes) > 0 else None


def _unknown(notes: list[str], why: str) -> None:
    notes.append(
        f"its ultrasound calibration is not used, since {why}: sizes are in pixels, unless "
        "--pixel-size gives them"
    )
