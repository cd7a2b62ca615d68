"""What a data set holds, as rows of tables for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamina.planning.survey import Survey


@dataclass(frozen=True)
class RangeRow:
    """The smallest, the median and the largest of something, as texts."""

    title: str
    texts: tuple[str, str, str]


@dataclass(frozen=True)
class StructureRow:
    """One structure over all cases; ``fraction`` is the median of an image's voxels."""

    value: int
    name: str
    cases: int
    voxels: int
    fraction: float
    components: int
    """The most that a case has."""


def range_rows(survey: Survey) -> list[RangeRow]:
    """Return sizes, spacings and intensities."""
    axes, unit = survey.dims, survey.cases[0].unit
    sizes = np.array([case.shape[:axes] for case in survey.cases])
    steps = np.array([case.spacing[:axes] for case in survey.cases])
    return [
        RangeRow("size (voxels)", _range(sizes)),
        RangeRow(f"spacing ({unit})", _range(steps)),
        _intensities("intensity", [case.everywhere for case in survey.cases]),
        _intensities("in the structures", [case.inside for case in survey.cases]),
        _intensities("outside of them", [case.outside for case in survey.cases]),
    ]


def structure_rows(survey: Survey, names: Mapping[int, str]) -> list[StructureRow]:
    """Return a row for each structure."""
    return [_structure(survey, value, names[value]) for value in survey.values]


def survey_table(survey: Survey, names: Mapping[int, str]) -> str:
    """Return sizes, spacings and intensities, and a row for each structure, as text."""
    if not survey.cases:
        return "no labelled case can be read"
    rows = [f"{len(survey.cases)} labelled cases, {survey.dims}D", ""]
    ranges = [RangeRow("", ("smallest", "median", "largest")), *range_rows(survey)]
    width = 2 + max(16, *(len(text) for row in ranges for text in row.texts))
    for row in ranges:
        rows.append(f"{row.title:<22}" + "".join(f"{text:>{width}}" for text in row.texts))
    rows += [
        "",
        f"{'structure':<22}{'value':>6}{'cases':>7}"
        + f"{'voxels (median)':>17}{'fraction':>10}{'components (most)':>19}",
    ]
    rows += [
        f"{s.name:<22}{s.value:>6}{s.cases:>7}{s.voxels:>17,}{s.fraction:>10.2%}{s.components:>19}"
        for s in structure_rows(survey, names)
    ]
    return "\n".join(rows)


def _range(rows: NDArray) -> tuple[str, str, str]:
    low, middle, high = (
        " × ".join(f"{n:.4g}" for n in row)
        for row in (rows.min(0), np.median(rows, 0), rows.max(0))
    )
    return low, middle, high


def _intensities(title: str, samples: Sequence[NDArray[np.float32]]) -> RangeRow:
    values = np.concatenate(samples)
    if not values.size:
        return RangeRow(title, ("–", "–", "–"))
    low, middle, high = (f"{n:.4g}" for n in np.percentile(values, (1, 50, 99)))
    return RangeRow(title, (low, middle, high))


def _structure(survey: Survey, value: int, name: str) -> StructureRow:
    having = [case for case in survey.cases if value in case.structures]
    structures = [case.structures[value] for case in having]
    fractions = [s.voxels / np.prod(c.shape) for s, c in zip(structures, having, strict=True)]
    voxels = int(np.median([s.voxels for s in structures]))
    most = max(s.components for s in structures)
    return StructureRow(value, name, len(having), voxels, float(np.median(fractions)), most)
