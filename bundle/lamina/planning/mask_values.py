"""Whether the values of masks can be classes at all, and which of them are left out."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TypedDict

import numpy as np

from lamina.cases.case import Case
from lamina.cases.dataset_json import Declared, never_found, read_declared, value_problems
from lamina.errors import ConfigError, DataError
from lamina.planning.survey import Survey
from lamina.planning.survey_cases import survey_cases

FEWEST_SPECKS = 4
"""Values without an inside from which on a mask is taken for a grey picture."""


class Codes(TypedDict):
    """What the values of label files mean, as `survey_cases` takes it."""

    background: int
    ignore: int | None
    threshold: float | None


def codes_of(
    root: Path, background: int | None, ignore: int | None, threshold: float | None
) -> Codes:
    """Return what was given, and the value that ``dataset.json`` says to ignore.

    >>> codes_of(Path("/nowhere"), None, 255, None)
    {'background': 0, 'ignore': 255, 'threshold': None}
    """
    if threshold is not None and (background or ignore is not None):
        raise ConfigError(
            "--threshold with --background or --ignore", "a threshold knows one structure alone"
        )
    declared = read_declared(root)
    if ignore is not None and declared.ignore not in (None, ignore):
        raise DataError(
            f"--ignore {ignore}, but {declared.path} declares {declared.ignore}",
            "leave --ignore out, or correct the file",
        )
    left_out = declared.ignore if ignore is None and threshold is None else ignore
    return {"background": background or 0, "ignore": left_out, "threshold": threshold}


def survey_codes(cases: Iterable[Case], codes: Codes, root: Path) -> Survey:
    """Read every labelled case once; raise ``DataError`` where masks hold no classes."""
    survey = survey_cases(cases, **codes)
    if codes["threshold"] is None:
        _require_classes(survey, root)
        _require_declared(read_declared(root), survey, codes)
    return survey


def declared_problems(root: Path, found: Collection[int]) -> list[str]:
    """Return what ``dataset.json`` declares beyond what is planned."""
    declared = read_declared(root)
    return [*region_problems(declared), *never_found(declared, found)]


def region_problems(declared: Declared) -> list[str]:
    """Say that regions are planned as the structures that they are made of.

    >>> (told,) = region_problems(Declared(Path("dataset.json"), regions={"whole": (1, 2)}))
    >>> told.splitlines()[0]
    'dataset.json: regions (whole) are not learned as such, but each value by itself'
    """
    if not declared.regions:
        return []
    names = ", ".join(declared.regions)
    text = f"{declared.path}: regions ({names}) are not learned as such, but each value by itself"
    return [f"{text}\n  → join values in the task's label_values where one structure is wanted"]


def _require_declared(declared: Declared, survey: Survey, codes: Codes) -> None:
    """Raise ``DataError`` where masks hold values that ``dataset.json`` does not declare."""
    found = {codes["background"], *survey.values} if survey.cases else set()
    problems = value_problems(declared, found - {codes["ignore"]})
    if problems:
        text, _, remedy = problems[0].partition("\n  → ")
        raise DataError(text, remedy)


def _require_classes(survey: Survey, root: Path) -> None:
    """Raise ``DataError`` where most masks hold grey values instead of classes."""
    grey = [
        case
        for case in survey.cases
        if case.specks >= FEWEST_SPECKS and 2 * case.specks >= len(case.structures)
    ]
    if 2 * len(grey) <= len(survey.cases):
        return
    highest = float(np.median([max(case.structures) for case in grey]))
    raise DataError(
        f"{root}: {len(grey)} of {len(survey.cases)} masks hold grey values, up to "
        f"{len(max(grey, key=lambda case: len(case.structures)).structures)} in one, of which most "
        "only lie in specks or along edges, as after JPEG, smoothing or resampling",
        f"if they show one structure, add --threshold {np.ceil(highest / 2):g} (half of the usual "
        f"highest value, {highest:g}); else export the masks again as PNG, by nearest neighbour",
    )
