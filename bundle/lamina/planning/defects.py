"""What is wrong with a data set, each with its remedy."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from scipy.stats import median_abs_deviation

from lamina.planning.duplicates import find_duplicates
from lamina.planning.flipped import find_flipped
from lamina.planning.ignored import ignored_defects
from lamina.planning.intensities import has_units
from lamina.planning.survey import CaseSurvey, Defect, Survey

OUTLIER = 8.0
"""Robust standard deviations from the median from which a value is called an outlier."""
FACTOR = 1.6
"""And the least ratio to the median, since data that hardly vary have no spread."""
FEWEST = 5
"""Cases below which it is unknown what is usual."""
NAMED = 3
"""Cases with the same defect that are listed one per line; more are listed in one."""
RARE = 0.02
"""Fraction of cases below which a value is rare, or rarely missing."""
FEWEST_ABSENT = 20
"""Cases below which a structure that a single label lacks is no defect."""
_KIND = "check that it is of the same kind"
_INTENSITIES = "check that it is in Hounsfield units as the others"
_SCALED = f"{_KIND}; a plan scales each image by itself"


def find_defects(survey: Survey, problems: Sequence[str] = ()) -> list[Defect]:
    """Return what is wrong with a data set.

    Defects are cases that can't be read or whose label does not fit, duplicate images or patients,
    flipped or empty labels, values that few labels have or lack, masks with interpolated edges, and
    outliers in spacing, size or intensities.

    Parameters
    ----------
    survey
        What the cases hold.
    problems
        What was wrong with the folder, as `lamina.cases.find_cases` reports it.
    """
    return [
        *(_split_remedy(problem) for problem in problems),
        *(_split_remedy(case.reason, case.files.name) for case in survey.unusable),
        *find_duplicates(survey.cases),
        *_flipped(survey),
        *_empty(survey.cases),
        *_interpolated(survey.cases),
        *ignored_defects(survey),
        *_rare(survey),
        *_absent(survey),
        *_outliers(survey),
    ]


def _split_remedy(problem: str, *cases: str) -> Defect:
    text, _, remedy = problem.partition("→")
    return Defect(text.strip(), remedy.strip(), cases)


def _label_defect(case: CaseSurvey, text: str, remedy: str) -> Defect:
    return Defect(f"{case.files.label}: {text}", remedy, (case.files.name,))


def _flipped(survey: Survey) -> Iterator[Defect]:
    remedy = "look at it, and mirror the mask or export it again"
    for case, axis in find_flipped(survey):
        text = f"flipped {axis} against its image: mirrored it fits the image better, and lies "
        yield _label_defect(case, text + "where the other cases' labels do", remedy)


def _empty(cases: Sequence[CaseSurvey]) -> Iterator[Defect]:
    remedy = "draw it, or leave the case out if it was forgotten"
    for case in cases:
        if not case.structures:
            yield _label_defect(case, "no structure, all is background", remedy)


def _interpolated(cases: Sequence[CaseSurvey]) -> Iterator[Defect]:
    remedy = "export the mask again, or resample it by nearest neighbour"
    for case in cases:
        if case.between:
            shown = ", ".join(map(str, case.between[:5])) + (" …" if len(case.between) > 5 else "")
            text = f"values {shown} only lie along edges, as after interpolation"
            yield _label_defect(case, text, remedy)


def _rare(survey: Survey) -> Iterator[Defect]:
    edges = {value for case in survey.cases for value in case.between}
    for value in survey.values:
        having = [case for case in survey.cases if value in case.structures]
        few = len(having) <= max(1, RARE * len(survey.cases))
        if few and len(survey.cases) >= FEWEST and value not in edges:
            yield Defect(
                f"value {value} is in {len(having)} of {len(survey.cases)} labels "
                f"({having[0].files.label})",
                "correct the mask, or map the value in label_values",
                tuple(case.files.name for case in having),
            )


def _absent(survey: Survey) -> Iterator[Defect]:
    """Yield labels without a structure that almost all others have."""
    drawn = [case for case in survey.cases if case.structures]
    for value in survey.values:
        lacking = [case for case in drawn if value not in case.structures]
        if len(drawn) >= FEWEST_ABSENT and 0 < len(lacking) <= max(1, RARE * len(drawn)):
            for case in lacking:
                having = f"{len(drawn) - len(lacking)} of {len(drawn)}"
                text = f"value {value} is missing, which {having} labels have"
                yield _label_defect(case, text, "check whether it was forgotten")


def _outliers(survey: Survey) -> Iterator[Defect]:
    cases = survey.cases
    if len(cases) < FEWEST:
        return
    measures: list[tuple[str, Callable[[CaseSurvey], Any], str]] = [
        ("the voxel's size", lambda case: case.voxel_size, "look at its header"),
        ("the number of voxels", lambda case: np.prod(case.shape), _KIND),
        ("the spread of intensities", _spread, _INTENSITIES if has_units(survey) else _SCALED),
    ]
    for name, measure, remedy in measures:
        values = [float(measure(case)) for case in cases]
        far = [(cases[at], values[at]) for at in far_from_the_rest(values)]
        yield from _far(name, far, float(np.median(values)), remedy)


def _far(
    name: str, cases: Sequence[tuple[CaseSurvey, float]], usual: float, remedy: str
) -> Iterator[Defect]:
    """Yield a defect for each case, or one for all where there are many."""
    names = tuple(case.files.name for case, _ in cases)
    if len(cases) > NAMED:
        yield Defect(
            f"{len(cases)} images: {name} is far from the others', usual is {usual:.4g} "
            f"({', '.join(names)})",
            remedy,
            names,
        )
        return
    for case, value in cases:
        text = f"{case.files.image}: {name} is {value:.4g}, usual is {usual:.4g}"
        yield Defect(text, remedy, (case.files.name,))


def _spread(case: CaseSurvey) -> float:
    low, high = np.percentile(case.everywhere, (1, 99))
    return float(high - low)


def far_from_the_rest(values: Sequence[float]) -> list[int]:
    """Return the indices of values that are far from the median, by spread and by ratio.

    The spread is the median absolute deviation, scaled to a standard deviation.

    >>> far_from_the_rest([1.0, 1.1, 0.9, 1.0, 1.05, 9.0])
    [5]
    """
    array = np.asarray(values, dtype=float)
    middle = np.median(array)
    far = np.abs(array - middle) > OUTLIER * median_abs_deviation(array, scale="normal")
    lowest = max(abs(middle), np.finfo(float).tiny)
    ratio = np.maximum(array, 1e-12) / lowest
    return [int(i) for i in np.flatnonzero(far & ((ratio > FACTOR) | (ratio < 1 / FACTOR)))]
