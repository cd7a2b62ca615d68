"""What is wrong with a data set, and how to mend it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from lamina.planning.survey import CaseSurvey, Survey

OUTLIER = 8.0
"""Robust standard deviations from the median from which a value is called an outlier."""
FACTOR = 1.6
"""And the least ratio to the median, since data that hardly vary have no spread."""
FEWEST = 5
"""Cases below which there is no telling what is usual."""
NAMED = 3
"""Cases with the same defect that have a line each; more share one."""
RARE = 0.02
"""Share of cases below which a value is rare."""


def find_defects(survey: Survey) -> list[str]:
    """Return each defect as one line with its remedy after an arrow.

    Named are cases that can't be read or whose label does not fit, the same image twice, labels
    without any structure, values that few labels have, masks with interpolated edges, and cases
    whose spacing, size or intensities are far from those of the others.
    """
    return [
        *survey.problems,
        *_duplicates(survey.cases),
        *_empty(survey.cases),
        *_interpolated(survey.cases),
        *_rare(survey),
        *_outliers(survey.cases),
    ]


def _duplicates(cases: Sequence[CaseSurvey]) -> Iterator[str]:
    by_content: dict[str, list[CaseSurvey]] = defaultdict(list)
    for one in cases:
        by_content[one.content].append(one)
    for same in by_content.values():
        if len(same) > 1:
            names = ", ".join(one.case.name for one in same)
            patients = {one.case.patient for one in same}
            across = (
                ", of different patients: it may stand in training and test"
                if len(patients) > 1
                else ""
            )
            yield f"{names}: the same image{across} → keep one of them"


def _empty(cases: Sequence[CaseSurvey]) -> Iterator[str]:
    for one in cases:
        if not one.structures:
            yield f"{one.case.label}: no structure, all is background → draw it, or leave the case out if it was forgotten"


def _interpolated(cases: Sequence[CaseSurvey]) -> Iterator[str]:
    for one in cases:
        if one.between:
            shown = ", ".join(map(str, one.between[:5])) + (" …" if len(one.between) > 5 else "")
            yield (
                f"{one.case.label}: values {shown} only lie along edges, as after interpolation "
                "→ export the mask again, or resample it by nearest neighbour"
            )


def _rare(survey: Survey) -> Iterator[str]:
    edges = {value for one in survey.cases for value in one.between}
    for value in survey.values:
        having = [one for one in survey.cases if value in one.structures]
        few = len(having) <= max(1, RARE * len(survey.cases))
        if few and len(survey.cases) >= FEWEST and value not in edges:
            yield (
                f"value {value} is in {len(having)} of {len(survey.cases)} labels "
                f"({having[0].case.label}) → correct the mask, or map the value in label_values"
            )


def _outliers(cases: Sequence[CaseSurvey]) -> Iterator[str]:
    if len(cases) < FEWEST:
        return
    measures: Mapping[str, tuple[list[float], str]] = {
        "the voxel's size": ([float(np.prod(one.spacing)) for one in cases], "look at its header"),
        "the number of voxels": (
            [float(np.prod(one.shape)) for one in cases],
            "look whether it is of the same kind",
        ),
        "the spread of intensities": (
            [_spread(one) for one in cases],
            "look whether it is scaled as the others",
        ),
    }
    for name, (values, remedy) in measures.items():
        far = far_from_the_rest(values)
        usual = f"usual is {np.median(values):.4g}"
        if len(far) > NAMED:
            named = ", ".join(cases[index].case.name for index in far)
            yield f"{len(far)} of {len(cases)} images: {name} is far from the others', {usual} ({named}) → {remedy}"
            continue
        for index in far:
            yield f"{cases[index].case.image}: {name} is {values[index]:.4g}, {usual} → {remedy}"


def _spread(one: CaseSurvey) -> float:
    low, high = np.percentile(one.everywhere, (1, 99))
    return float(high - low)


def far_from_the_rest(values: Sequence[float]) -> list[int]:
    """Return the indices of values that are far from the median, by spread and by ratio.

    The spread is the median absolute deviation, scaled to a standard deviation.

    >>> far_from_the_rest([1.0, 1.1, 0.9, 1.0, 1.05, 9.0])
    [5]
    """
    array = np.asarray(values, dtype=float)
    middle = np.median(array)
    spread = 1.4826 * np.median(np.abs(array - middle))
    far = np.abs(array - middle) > OUTLIER * spread
    lowest = max(abs(middle), np.finfo(float).tiny)
    ratio = np.maximum(array, 1e-12) / lowest
    return [int(i) for i in np.flatnonzero(far & ((ratio > FACTOR) | (ratio < 1 / FACTOR)))]
