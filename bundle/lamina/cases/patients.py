"""Which patient each case is of, so that one patient never stands in two splits."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lamina.cases.case import Case
from lamina.errors import ConfigError, DataError
from lamina.files import read_csv

FILE_NAME = "patients.csv"


def patients_by_pattern(cases: Sequence[Case], pattern: str) -> list[Case]:
    r"""Return the cases with the patient that a regular expression finds in their names.

    The patient is its first group, or all that it matches.

    Raises
    ------
    ConfigError
        If the pattern is no regular expression.
    DataError
        If a case's name does not match.

    Examples
    --------
    >>> case = Case("P12_left", "P12_left.png", None, "P12_left")
    >>> patients_by_pattern([case], r"^(P\d+)_")[0].patient
    'P12'
    """
    try:
        matcher = re.compile(pattern)
    except re.error as error:
        raise ConfigError(f"patient_pattern {pattern!r}: {error}") from error
    return [replace(case, patient=_matched(matcher, case.name)) for case in cases]


def patients_by_file(cases: Sequence[Case], path: Path) -> tuple[list[Case], list[str]]:
    """Return the cases with the patients that a CSV file with case and patient gives.

    A case that it does not name is its own patient, and is named in the second list.

    Raises
    ------
    DataError
        If the file lacks these columns or gives a case two patients.
    """
    patients = _read_patients(path)
    missing = [case.name for case in cases if case.name not in patients]
    problems = [
        f"{path}: case {name} is not named, so it counts as a patient of its own\n"
        "  → add a line for it"
        for name in missing
    ]
    return [
        replace(case, patient=patients.get(case.name, case.patient)) for case in cases
    ], problems


def _matched(matcher: re.Pattern[str], name: str) -> str:
    match = matcher.search(name)
    if match is None:
        raise DataError(
            f"patient_pattern {matcher.pattern!r} finds no patient in the name {name!r}",
            "correct the pattern, or list the patients in patients.csv",
        )
    return match.group(1) if matcher.groups else match.group()


def _read_patients(path: Path) -> dict[str, str]:
    patients: dict[str, str] = {}
    for row in read_csv(path):
        case, patient = row.get("case"), row.get("patient")
        if not case or not patient:
            raise DataError(
                f"{path}: {row}, expected the columns case and patient", "complete that line"
            )
        if patients.setdefault(case, patient) != patient:
            raise DataError(
                f"{path}: case {case} is of {patients[case]} and of {patient}", "keep one line"
            )
    return patients
