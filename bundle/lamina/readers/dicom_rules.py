"""What is done with a DICOM series whose slices do not make one regular grid.

Nothing of this happens in silence: what is accepted or filled is a warning of the plan, which
reading the pixels logs, and so stands in the manifest of a prediction.
"""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lamina.errors import ConfigError
from lamina.readers.dicom_geometry import (
    SAME_POSITION_MM,
    SLICE_TOLERANCE,
    is_tilted,
    series_grid,
    slice_positions,
    tilted_grid,
)
from lamina.readers.dicom_slices import MOMENTS, Slice
from lamina.readers.grid import Grid


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

    @classmethod
    def of(cls, rules: "SeriesRules | Mapping[str, Any] | None") -> "SeriesRules":
        """Return rules as they are, or from a config's dict; None means the defaults."""
        return rules if isinstance(rules, SeriesRules) else cls(**rules or {})

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


Rules = SeriesRules | Mapping[str, Any]
"""Rules, or their arguments as a config has them."""


@dataclass(frozen=True)
class SeriesPlan:
    """Which slices are read, the volume's grid, and where each slice lies in it.

    ``places`` are positions along the grid's last axis in voxels: 0, 1, 2 … in a regular series,
    with gaps or fractions where it is interpolated. ``warnings`` are what was accepted or filled.
    """

    slices: tuple[Slice, ...]
    grid: Grid
    places: NDArray[np.float64]
    warnings: tuple[str, ...] = ()

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
    slices, warnings = _without_duplicates(ordered, rules)
    warnings += dict.fromkeys(note for one in slices for note in one.notes)
    warnings += _mixed_acquisitions(slices)
    if len(slices) < 3 or slices[0].position is None:
        return _as_they_are(slices, series_grid(slices, rules.tolerance), warnings)
    make_grid = series_grid
    if rules.tilt == "accept" and is_tilted(slices):
        make_grid = tilted_grid
        warnings.append("the gantry was tilted; the affine is sheared accordingly")
    refused = rules.missing_slices == "refuse" or _widest(slices) > rules.most_missing + 1.5
    if refused or _even(slices, rules.tolerance):
        return _as_they_are(slices, make_grid(slices, rules.tolerance), warnings)
    if rules.missing_slices == "accept":
        warnings.append("uneven distances are taken as even")
        return _as_they_are(slices, make_grid(slices, np.inf), warnings)
    return _filled(slices, make_grid(slices, np.inf), warnings)


def _as_they_are(slices: Sequence[Slice], grid: Grid, warnings: Sequence[str]) -> SeriesPlan:
    return SeriesPlan(tuple(slices), grid, np.arange(len(slices), dtype=float), tuple(warnings))


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


def _without_duplicates(
    ordered: Sequence[Slice], rules: SeriesRules
) -> tuple[list[Slice], list[str]]:
    """Return the slices that are kept, and the warning if some are not."""
    if rules.duplicates == "refuse" or len(ordered) < 2 or ordered[0].position is None:
        return list(ordered), []
    along, kept = slice_positions(ordered), [ordered[0]]
    last = along[0]
    for candidate, position in zip(ordered[1:], along[1:], strict=True):
        if position - last >= SAME_POSITION_MM:
            kept.append(candidate)
            last = position
    left_out = len(ordered) - len(kept)
    return kept, [f"{left_out} slices at positions of others are left out"] if left_out else []


def _mixed_acquisitions(slices: Sequence[Slice]) -> list[str]:
    """Warn where the slices of several acquisitions mix: they may be volumes of their own."""
    for name in ("AcquisitionNumber", "AcquisitionTime"):
        column = MOMENTS.index(name)
        values = [one.moments[column] if one.moments else None for one in slices]
        known = Counter(value for value in values if value is not None)
        if not known:
            continue
        runs = sum(first != second for first, second in itertools.pairwise(values)) + 1
        if runs <= len(known) or min(known.values()) < 2:
            return []
        listed = ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in sorted(known))
        warning = (
            f"the slices of the acquisitions {listed} alternate ({name}): they may be several "
            "volumes, each a part of a step beside the other"
        )
        return [warning]
    return []


def _even(slices: Sequence[Slice], tolerance: float) -> bool:
    gaps = np.diff(slice_positions(slices))
    typical = float(np.median(gaps))
    return (
        bool(np.abs(gaps - typical).max() <= tolerance * typical) or gaps.min() < SAME_POSITION_MM
    )


def _widest(slices: Sequence[Slice]) -> float:
    """Return the largest distance of two slices over the median one."""
    gaps = np.diff(slice_positions(slices))
    return float(gaps.max() / max(float(np.median(gaps)), 1e-9))


def _filled(slices: Sequence[Slice], grid: Grid, warnings: Sequence[str]) -> SeriesPlan:
    along = slice_positions(slices)
    typical = float(np.median(np.diff(along)))
    steps = round((along[-1] - along[0]) / typical)
    spacing = (along[-1] - along[0]) / steps
    affine = grid.affine.copy()
    affine[:3, 2] *= (len(slices) - 1) / steps
    wide = int(np.diff(along).argmax())
    warning = (
        f"slices are up to {float(np.diff(along).max()):.4g} mm apart (between "
        f"{slices[wide].path.name} and {slices[wide + 1].path.name}), others {typical:.4g} mm: "
        f"the volume is interpolated to {steps + 1} even slices"
    )
    return SeriesPlan(
        tuple(slices),
        Grid((*grid.shape[:2], steps + 1), affine),
        (along - along[0]) / spacing,
        (*warnings, warning),
    )
