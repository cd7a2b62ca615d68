"""The grid of a DICOM series, from the positions of its slices (PS3.3, C.7.6.2).

What must hold, or the series is refused with both values (`lamina.readers.dicom_rules` says what
may be done before):

- all slices have the same size, orientation (each direction cosine within 1e-3) and pixel
  spacing (within 1e-3 mm);
- no two slices lie less than 0.01 mm apart along the normal;
- each distance to the next slice is the median distance, within ``tolerance`` of it (a tenth);
- no slice is shifted sideways by more than half a pixel (gantry tilt).

Slices are ordered by the projection of ImagePositionPatient on their normal. Neither
InstanceNumber nor the file's name has a say.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lamina.errors import GeometryError
from lamina.readers.dicom_slices import Slice
from lamina.readers.grid import Grid, format_size, lps_to_ras, pixel_grid

SLICE_TOLERANCE = 0.1
SAME_DIRECTION = 1e-3
SAME_SPACING_MM = 1e-3
SAME_POSITION_MM = 0.01
_SHIFT_PIXELS = 0.5
# A tangent, above what orientations of three digits make of a straight series.
_LEAST_TILT = 2e-3


def order_slices(slices: Sequence[Slice]) -> list[Slice]:
    """Return slices of one plane along their normal, from its lowest projection upwards.

    Raises
    ------
    GeometryError
        If size, orientation or spacing is missing or not the same in all.
    """
    if len(slices) == 1:
        return list(slices)
    for one in slices:
        _require_alike(slices[0], one)
    normal = _normal(slices[0])
    return sorted(slices, key=lambda one: float(_position(one) @ normal))


def series_grid(ordered: Sequence[Slice], tolerance: float = SLICE_TOLERANCE) -> Grid:
    """Return the grid of slices that `order_slices` has put in order.

    One slice without a position (an X-ray) is a picture; its spacing is PixelSpacing, else
    ImagerPixelSpacing (at the detector), else the unit is "px".

    Raises
    ------
    GeometryError
        If a slice is missing, stands twice, or is shifted sideways.
    """
    first = ordered[0]
    if len(ordered) == 1 and first.position is None:
        return _picture_grid(first)
    thickness = _slice_distance(ordered, tolerance)
    rows, columns = _spacing(first)
    right, down = np.split(_orientation(first), 2)
    affine = np.eye(4)
    affine[:3, 0] = right * columns
    affine[:3, 1] = down * rows
    affine[:3, 2] = _normal(first) * thickness
    affine[:3, 3] = _position(first)
    return Grid((*first.size, len(ordered)), lps_to_ras(affine))


def slice_positions(ordered: Sequence[Slice]) -> NDArray[np.float64]:
    """Return where slices lie along their normal, in mm."""
    return np.array([_position(one) for one in ordered]) @ _normal(ordered[0])


def is_tilted(ordered: Sequence[Slice]) -> bool:
    """Say whether each of three or more slices is shifted sideways by the same step."""
    along, sideways = _sideways(ordered)
    shift = np.linalg.norm(sideways[-1])
    if len(ordered) < 3 or along[-1] <= 0 or shift <= _least_shift(ordered, along[-1]):
        return False
    rest = sideways - np.outer(along / along[-1], sideways[-1])
    # A small shift is a tilt only where it explains most of how the slices lie.
    allowed = min(_SHIFT_PIXELS * float(_spacing(ordered[0]).min()), shift / 4)
    return bool(np.linalg.norm(rest, axis=1).max() <= allowed)


def _sideways(ordered: Sequence[Slice]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far the slices lie from the first along its normal, and the rest of the way."""
    places = np.array([_position(one) for one in ordered]) - _position(ordered[0])
    along = places @ _normal(ordered[0])
    return along, places - np.outer(along, _normal(ordered[0]))


def _least_shift(ordered: Sequence[Slice], length: float) -> float:
    """Return the shift in mm over a length below which slices count as straight."""
    return max(_LEAST_TILT * length, 0.1 * float(_spacing(ordered[0]).min()))


def tilted_grid(ordered: Sequence[Slice], tolerance: float = SLICE_TOLERANCE) -> Grid:
    """Return the sheared grid of slices that are shifted sideways evenly.

    Raises
    ------
    GeometryError
        If a slice is missing or stands twice.
    """
    first, last = ordered[0], ordered[-1]
    _require_even(ordered, np.diff(slice_positions(ordered)), tolerance)
    rows, columns = _spacing(first)
    right, down = np.split(_orientation(first), 2)
    affine = np.eye(4)
    affine[:3, 0] = right * columns
    affine[:3, 1] = down * rows
    affine[:3, 2] = (_position(last) - _position(first)) / (len(ordered) - 1)
    affine[:3, 3] = _position(first)
    return Grid((*first.size, len(ordered)), lps_to_ras(affine))


def _picture_grid(one: Slice) -> Grid:
    if one.spacing is None:
        return pixel_grid(one.size)
    rows, columns = _spacing(one)
    return Grid(one.size, np.diag([columns, rows, 1.0, 1.0]))


def _slice_distance(ordered: Sequence[Slice], tolerance: float) -> float:
    if len(ordered) == 1:
        return _thickness(ordered[0])
    along, sideways = _sideways(ordered)
    _require_even(ordered, np.diff(along), tolerance)
    _require_straight(ordered, along, sideways)
    return float(along[-1] / (len(ordered) - 1))


def _require_even(ordered: Sequence[Slice], gaps: NDArray[np.float64], tolerance: float) -> None:
    typical = float(np.median(gaps))
    for first, second, gap in zip(ordered, ordered[1:], gaps, strict=False):
        files = f"{first.path.name} and {second.path.name}"
        if gap < SAME_POSITION_MM:
            raise GeometryError(
                f"{first.path.parent}: {files} lie at the same position "
                f"({gap:.3g} mm apart, others {typical:.4g} mm)",
                "keep one time point, echo or b-value per folder",
            )
        if abs(gap - typical) > tolerance * typical:
            raise GeometryError(
                f"{first.path.parent}: slices {typical:.4g} mm apart, "
                f"but {gap:.4g} mm between {files}",
                "a slice may be missing: export the series again",
            )


def _require_straight(
    ordered: Sequence[Slice], along: NDArray[np.float64], sideways: NDArray[np.float64]
) -> None:
    shifts = np.linalg.norm(sideways, axis=1)
    worst = int(shifts.argmax())
    allowed = _SHIFT_PIXELS * float(_spacing(ordered[0]).min())
    if is_tilted(ordered):
        allowed = min(allowed, _least_shift(ordered, along[-1]))
    if shifts[worst] > allowed:
        first = ordered[0].path
        raise GeometryError(
            f"{first.parent}: {ordered[worst].path.name} is shifted {shifts[worst]:.3g} mm "
            f"sideways of {first.name}, expected at most {allowed:.3g} mm",
            "the gantry was tilted: resample the series to a straight grid",
        )


def _require_alike(first: Slice, other: Slice) -> None:
    where = f"{first.path.parent}: {first.path.name} and {other.path.name}"
    if first.size != other.size:
        raise GeometryError(
            f"{where} differ in size: {format_size(first.size)} and {format_size(other.size)}",
            "keep one size per folder",
        )
    if np.abs(_orientation(first) - _orientation(other)).max() > SAME_DIRECTION:
        raise GeometryError(
            f"{where} differ in orientation: {_orientation(first).round(4).tolist()} and "
            f"{_orientation(other).round(4).tolist()}",
            "keep one orientation per folder",
        )
    if np.abs(_spacing(first) - _spacing(other)).max() > SAME_SPACING_MM:
        raise GeometryError(
            f"{where} differ in PixelSpacing: {_spacing(first).tolist()} and "
            f"{_spacing(other).tolist()} mm",
            "keep one pixel spacing per folder",
        )


def _normal(one: Slice) -> NDArray[np.float64]:
    right, down = np.split(_orientation(one), 2)
    return np.cross(right, down)


def _position(one: Slice) -> NDArray[np.float64]:
    return _present(one, one.position, "ImagePositionPatient")


def _orientation(one: Slice) -> NDArray[np.float64]:
    cosines = _present(one, one.orientation, "ImageOrientationPatient")
    axes = cosines.reshape(2, 3)
    if np.abs(axes @ axes.T - np.eye(2)).max() > SAME_DIRECTION:
        raise GeometryError(
            f"{one.path}: ImageOrientationPatient {cosines.tolist()}, expected two perpendicular "
            "unit vectors"
        )
    return cosines


def _spacing(one: Slice) -> NDArray[np.float64]:
    return _positive(one, one.spacing, "PixelSpacing")


def _thickness(one: Slice) -> float:
    return float(_positive(one, one.thickness, "SliceThickness")[0])


def _positive(one: Slice, value: NDArray[np.float64] | None, name: str) -> NDArray[np.float64]:
    numbers = _present(one, value, name)
    if (numbers <= 0).any():
        raise GeometryError(f"{one.path}: {name} is {numbers.tolist()}, expected above 0 mm")
    return numbers


def _present(one: Slice, value: NDArray[np.float64] | None, name: str) -> NDArray[np.float64]:
    if value is None:
        raise GeometryError(
            f"{one.path}: {name} is missing, so that its place in space is unclear"
            f"{''.join(f' ({note})' for note in one.notes if note.startswith(name))}",
            "export the series again, or convert it with a tool whose rule you trust",
        )
    return value
