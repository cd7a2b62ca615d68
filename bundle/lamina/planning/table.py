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
    """One structure over all cases: ``share`` is the median one of an image's voxels."""

    value: int
    name: str
    cases: int
    voxels: int
    share: float
    parts: int
    """The most that a case has."""


def range_rows(survey: Survey) -> list[RangeRow]:
    """Return sizes, spacings and intensities."""
    axes, unit = survey.dims, survey.cases[0].unit
    sizes = np.array([one.shape[:axes] for one in survey.cases])
    steps = np.array([one.spacing[:axes] for one in survey.cases])
    return [
        RangeRow("size (voxels)", _range(sizes)),
        RangeRow(f"spacing ({unit})", _range(steps)),
        _intensities("intensity", [one.everywhere for one in survey.cases]),
        _intensities("in the structures", [one.inside for one in survey.cases]),
        _intensities("outside of them", [one.outside for one in survey.cases]),
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
    width = 2 + max(16, *(len(text) for one in ranges for text in one.texts))
    for one in ranges:
        rows.append(f"{one.title:<22}" + "".join(f"{text:>{width}}" for text in one.texts))
    rows += [
        "",
        f"{'structure':<22}{'value':>6}{'cases':>7}{'voxels (median)':>17}{'share':>9}{'parts (most)':>14}",
    ]
    for row in structure_rows(survey, names):
        rows.append(
            f"{row.name:<22}{row.value:>6}{row.cases:>7}{row.voxels:>17,}{row.share:>9.2%}{row.parts:>14}"
        )
    return "\n".join(rows)


def _range(rows: NDArray) -> tuple[str, str, str]:
    low, middle, high = (
        " × ".join(f"{n:.4g}" for n in one)
        for one in (rows.min(0), np.median(rows, 0), rows.max(0))
    )
    return low, middle, high


def _intensities(title: str, samples: Sequence[NDArray[np.float32]]) -> RangeRow:
    values = np.concatenate(samples)
    if not values.size:
        return RangeRow(title, ("–", "–", "–"))
    low, middle, high = (f"{n:.4g}" for n in np.percentile(values, (1, 50, 99)))
    return RangeRow(title, (low, middle, high))


def _structure(survey: Survey, value: int, name: str) -> StructureRow:
    having = [one for one in survey.cases if value in one.structures]
    found = [one.structures[value] for one in having]
    shares = [s.voxels / np.prod(c.shape) for s, c in zip(found, having, strict=True)]
    voxels = int(np.median([s.voxels for s in found]))
    most = max(s.parts for s in found)
    return StructureRow(value, name, len(having), voxels, float(np.median(shares)), most)
