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
"""Cases below which it is unknown what is usual."""
NAMED = 3
"""Cases with the same defect that are listed one per line; more are listed in one."""
RARE = 0.02
"""Fraction of cases below which a value is rare, or rarely missing."""
FEWEST_ABSENT = 20
"""Cases below which a structure that a single label lacks is no defect."""
_INTENSITIES = {
    True: "check that it is in Hounsfield units as the others",
    False: "check that it is of the same kind; a plan scales each image by itself",
}


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
        *_rare(survey),
        *_absent(survey),
        *_outliers(survey),
    ]


def _split_remedy(problem: str, *cases: str) -> Defect:
    text, _, remedy = problem.partition("→")
    return Defect(text.strip(), remedy.strip(), cases)


def _flipped(survey: Survey) -> Iterator[Defect]:
    for case, axis in find_flipped(survey):
        yield Defect(
            f"{case.files.label}: flipped {axis} against its image: mirrored it fits the image "
            "better, and lies where the other cases' labels do",
            "look at it, and mirror the mask or export it again",
            (case.files.name,),
        )


def _empty(cases: Sequence[CaseSurvey]) -> Iterator[Defect]:
    for case in cases:
        if not case.structures:
            yield Defect(
                f"{case.files.label}: no structure, all is background",
                "draw it, or leave the case out if it was forgotten",
                (case.files.name,),
            )


def _interpolated(cases: Sequence[CaseSurvey]) -> Iterator[Defect]:
    for case in cases:
        if case.between:
            shown = ", ".join(map(str, case.between[:5])) + (" …" if len(case.between) > 5 else "")
            yield Defect(
                f"{case.files.label}: values {shown} only lie along edges, as after interpolation",
                "export the mask again, or resample it by nearest neighbour",
                (case.files.name,),
            )


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
                yield Defect(
                    f"{case.files.label}: value {value} is missing, which {len(drawn) - len(lacking)} "
                    f"of {len(drawn)} labels have",
                    "check whether it was forgotten",
                    (case.files.name,),
                )


def _outliers(survey: Survey) -> Iterator[Defect]:
    cases = survey.cases
    if len(cases) < FEWEST:
        return
    measures: Mapping[str, tuple[list[float], str]] = {
        "the voxel's size": (
            [float(np.prod(case.spacing)) for case in cases],
            "look at its header",
        ),
        "the number of voxels": (
            [float(np.prod(case.shape)) for case in cases],
            "check that it is of the same kind",
        ),
        "the spread of intensities": (
            [_spread(case) for case in cases],
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
    spread = 1.4826 * np.median(np.abs(array - middle))
    far = np.abs(array - middle) > OUTLIER * spread
    lowest = max(abs(middle), np.finfo(float).tiny)
    ratio = np.maximum(array, 1e-12) / lowest
    return [int(i) for i in np.flatnonzero(far & ((ratio > FACTOR) | (ratio < 1 / FACTOR)))]
