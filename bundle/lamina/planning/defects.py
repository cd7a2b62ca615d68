"""What is wrong with a data set, each with its remedy."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from lamina.planning.duplicates import find_duplicates
from lamina.planning.flipped import find_flipped
from lamina.planning.intensities import has_units
from lamina.planning.survey import CaseSurvey, Defect, Survey

OUTLIER = 8.0
"""Robust standard deviations from the median from which a value is called an outlier."""
FACTOR = 1.6
"""And the least ratio to the median, since data that hardly vary have no spread."""
FEWEST = 5
"""Cases below which there is no telling what is usual."""
NAMED = 3
"""Cases with the same defect that have a line each; more share one."""
RARE = 0.02
"""Share of cases below which a value is rare, or rarely missing."""
FEWEST_ABSENT = 20
"""Cases below which a structure that one label lacks says nothing."""
_INTENSITIES = {
    True: "look whether it is in Hounsfield units as the others",
    False: "look whether it is of the same kind; a plan scales each image by itself",
}


def find_defects(survey: Survey, problems: Sequence[str] = ()) -> list[Defect]:
    """Return what is wrong with a data set.

    Named are cases that can't be read or whose label does not fit, the same image or patient
    twice, flipped labels, labels without any structure, values that few labels have or lack, masks with interpolated edges, and cases
    whose spacing, size or intensities are far from those of the others.

    Parameters
    ----------
    survey
        What the cases hold.
    problems
        What was wrong with the folder, as `lamina.cases.find_cases` tells it.
    """
    return [
        *(_told(problem) for problem in problems),
        *(_told(one.reason, one.case.name) for one in survey.unusable),
        *find_duplicates(survey.cases),
        *_flipped(survey),
        *_empty(survey.cases),
        *_interpolated(survey.cases),
        *_rare(survey),
        *_absent(survey),
        *_outliers(survey),
    ]


def _told(problem: str, *cases: str) -> Defect:
    text, _, remedy = problem.partition("→")
    return Defect(text.strip(), remedy.strip(), cases)


def _flipped(survey: Survey) -> Iterator[Defect]:
    for one, axis in find_flipped(survey):
        yield Defect(
            f"{one.case.label}: flipped {axis} against its image: mirrored it fits the image "
            "better, and lies where the other cases' labels do",
            "look at it, and mirror the mask or export it again",
            (one.case.name,),
        )


def _empty(cases: Sequence[CaseSurvey]) -> Iterator[Defect]:
    for one in cases:
        if not one.structures:
            yield Defect(
                f"{one.case.label}: no structure, all is background",
                "draw it, or leave the case out if it was forgotten",
                (one.case.name,),
            )


def _interpolated(cases: Sequence[CaseSurvey]) -> Iterator[Defect]:
    for one in cases:
        if one.between:
            shown = ", ".join(map(str, one.between[:5])) + (" …" if len(one.between) > 5 else "")
            yield Defect(
                f"{one.case.label}: values {shown} only lie along edges, as after interpolation",
                "export the mask again, or resample it by nearest neighbour",
                (one.case.name,),
            )


def _rare(survey: Survey) -> Iterator[Defect]:
    edges = {value for one in survey.cases for value in one.between}
    for value in survey.values:
        having = [one for one in survey.cases if value in one.structures]
        few = len(having) <= max(1, RARE * len(survey.cases))
        if few and len(survey.cases) >= FEWEST and value not in edges:
            yield Defect(
                f"value {value} is in {len(having)} of {len(survey.cases)} labels "
                f"({having[0].case.label})",
                "correct the mask, or map the value in label_values",
                tuple(one.case.name for one in having),
            )


def _absent(survey: Survey) -> Iterator[Defect]:
    """Yield labels without a structure that almost all others have."""
    drawn = [one for one in survey.cases if one.structures]
    for value in survey.values:
        lacking = [one for one in drawn if value not in one.structures]
        if len(drawn) >= FEWEST_ABSENT and 0 < len(lacking) <= max(1, RARE * len(drawn)):
            for one in lacking:
                yield Defect(
                    f"{one.case.label}: value {value} is missing, which {len(drawn) - len(lacking)} "
                    f"of {len(drawn)} labels have",
                    "look whether it was forgotten",
                    (one.case.name,),
                )


def _outliers(survey: Survey) -> Iterator[Defect]:
    cases = survey.cases
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
            _INTENSITIES[has_units(survey)],
        ),
    }
    for name, (values, remedy) in measures.items():
        far = far_from_the_rest(values)
        yield from _far(
            name, [(cases[at], values[at]) for at in far], float(np.median(values)), remedy
        )


def _far(
    name: str, cases: Sequence[tuple[CaseSurvey, float]], usual: float, remedy: str
) -> Iterator[Defect]:
    """Yield a defect for each case, or one for all where there are many."""
    names = tuple(one.case.name for one, _ in cases)
    if len(cases) > NAMED:
        yield Defect(
            f"{len(cases)} images: {name} is far from the others', usual is {usual:.4g} "
            f"({', '.join(names)})",
            remedy,
            names,
        )
        return
    for one, value in cases:
        text = f"{one.case.image}: {name} is {value:.4g}, usual is {usual:.4g}"
        yield Defect(text, remedy, (one.case.name,))


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
