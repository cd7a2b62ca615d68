"""What is done with a DICOM series whose slices do not make one regular grid.

Nothing of this happens in silence: what is accepted or filled is a warning in the log, and so in
the manifest of a prediction.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lamina.errors import ConfigError
from lamina.readers.dicom_geometry import (
    SLICE_TOLERANCE,
    is_tilted,
    series_grid,
    slice_positions,
    tilted_grid,
)
from lamina.readers.dicom_series import Slice
from lamina.readers.grid import Grid

_SAME_POSITION_MM = 0.01

logger = logging.getLogger("lamina")


@dataclass(frozen=True)
class SeriesRules:
    """How slices that are missing, doubled or shifted are handled.

    Parameters
    ----------
    tolerance
        By how much the distance of two slices may differ from the others, as a fraction.
    missing_slices
        Where distances differ by more: ``resample`` interpolates linearly along the normal at even
        distances, ``accept`` takes them as even (positions are then wrong), ``refuse`` does not
        read the series.
    most_missing
        So many slices in a row are interpolated; a series with a larger gap is refused.
    duplicates
        Of slices at one position, ``accept`` takes the first by file name, ``refuse`` does not
        read the series.
    tilt
        Slices that are shifted sideways evenly (a tilted gantry): ``accept`` keeps them in a
        sheared affine, which is exact; ``refuse`` does not read the series.

    Raises
    ------
    ConfigError
        If there is no such rule.
    """

    tolerance: float = SLICE_TOLERANCE
    missing_slices: Literal["resample", "accept", "refuse"] = "resample"
    most_missing: int = 3
    duplicates: Literal["accept", "refuse"] = "refuse"
    tilt: Literal["accept", "refuse"] = "accept"

    def __post_init__(self) -> None:
        for name, known in (
            ("missing_slices", ("resample", "accept", "refuse")),
            ("duplicates", ("accept", "refuse")),
            ("tilt", ("accept", "refuse")),
        ):
            if getattr(self, name) not in known:
                raise ConfigError(
                    f"{name}: {getattr(self, name)!r}", f"use one of {', '.join(known)}"
                )


@dataclass(frozen=True)
class SeriesPlan:
    """Which slices are read, the volume's grid, and where each slice lies in it.

    ``places`` are positions along the grid's last axis in voxels: 0, 1, 2 … in a regular series,
    with gaps or fractions where it is interpolated.
    """

    slices: tuple[Slice, ...]
    grid: Grid
    places: NDArray[np.float64]

    @property
    def regular(self) -> bool:
        """Say whether each slice is a slice of the volume."""
        return len(self.slices) == (self.grid.shape[2:] or (1,))[0]


def plan_series(ordered: Sequence[Slice], rules: SeriesRules) -> SeriesPlan:
    """Decide how a series becomes a volume.

    Parameters
    ----------
    ordered
        Its slices, as `lamina.readers.dicom_geometry.order_slices` has them.
    rules
        What may be done.

    Raises
    ------
    GeometryError
        If the rules forbid what would be needed, with both values.
    """
    slices = _without_duplicates(ordered, rules)
    count = np.arange(len(slices), dtype=float)
    if len(slices) < 3 or slices[0].position is None:
        return SeriesPlan(tuple(slices), series_grid(slices, rules.tolerance), count)
    if rules.tilt == "accept" and is_tilted(slices):
        logger.warning(
            "%s: the gantry was tilted; the affine is sheared accordingly", slices[0].path.parent
        )
        return SeriesPlan(tuple(slices), tilted_grid(slices, rules.tolerance), count)
    refused = rules.missing_slices == "refuse" or _widest(slices) > rules.most_missing + 1.5
    if refused or _even(slices, rules.tolerance):
        return SeriesPlan(tuple(slices), series_grid(slices, rules.tolerance), count)
    if rules.missing_slices == "accept":
        logger.warning("%s: uneven distances are taken as even", slices[0].path.parent)
        return SeriesPlan(tuple(slices), series_grid(slices, np.inf), count)
    return _filled(slices)


def interpolate(
    voxels: NDArray[np.float32], places: NDArray[np.float64], count: int
) -> NDArray[np.float32]:
    """Return ``count`` slices at 0, 1, 2 … from slices (x, y, n) at ``places``, linearly.

    >>> interpolate(np.array([[[0.0, 3.0, 4.0]]]), np.array([0.0, 3.0, 4.0]), 5).ravel().tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0]
    """
    wanted = np.arange(count)
    above = np.clip(np.searchsorted(places, wanted, side="left"), 1, len(places) - 1)
    low, high = places[above - 1], places[above]
    share = np.clip((wanted - low) / (high - low), 0, 1).astype(voxels.dtype)
    return voxels[..., above - 1] * (1 - share) + voxels[..., above] * share


def _without_duplicates(ordered: Sequence[Slice], rules: SeriesRules) -> list[Slice]:
    if rules.duplicates == "refuse" or len(ordered) < 2 or ordered[0].position is None:
        return list(ordered)
    along, kept = slice_positions(ordered), [ordered[0]]
    last = along[0]
    for one, place in zip(ordered[1:], along[1:], strict=True):
        if place - last >= _SAME_POSITION_MM:
            kept.append(one)
            last = place
    if len(kept) < len(ordered):
        logger.warning(
            "%s: %d slices at positions of others are left out",
            ordered[0].path.parent,
            len(ordered) - len(kept),
        )
    return kept


def _even(slices: Sequence[Slice], tolerance: float) -> bool:
    gaps = np.diff(slice_positions(slices))
    typical = float(np.median(gaps))
    return (
        bool(np.abs(gaps - typical).max() <= tolerance * typical) or gaps.min() < _SAME_POSITION_MM
    )


def _widest(slices: Sequence[Slice]) -> float:
    """Return the largest distance of two slices over the median one."""
    gaps = np.diff(slice_positions(slices))
    return float(gaps.max() / max(float(np.median(gaps)), 1e-9))


def _filled(slices: Sequence[Slice]) -> SeriesPlan:
    along = slice_positions(slices)
    typical = float(np.median(np.diff(along)))
    steps = round((along[-1] - along[0]) / typical)
    spacing = (along[-1] - along[0]) / steps
    places = (along - along[0]) / spacing
    grid = series_grid(slices, np.inf)
    affine = grid.affine.copy()
    affine[:3, 2] *= (len(slices) - 1) / steps
    wide = int(np.diff(along).argmax())
    logger.warning(
        "%s: slices are up to %.4g mm apart (between %s and %s), others %.4g mm: the volume is "
        "interpolated to %d even slices",
        slices[0].path.parent,
        float(np.diff(along).max()),
        slices[wide].path.name,
        slices[wide + 1].path.name,
        typical,
        steps + 1,
    )
    return SeriesPlan(tuple(slices), Grid((*grid.shape[:2], steps + 1), affine), places)
