"""Training, validation and test: how patients are divided, and the file that keeps it."""

import hashlib
import json
import logging
import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from lamina.cases.case import SPLITS, Case, Split
from lamina.cases.division import (
    Part,
    Patient,
    cases_of,
    draw,
    equal_parts,
    in_most,
    set_apart,
    spread,
)
from lamina.errors import ConfigError, DataError
from lamina.files import write_text

Splits = dict[Split, list[Case]]

logger = logging.getLogger(__name__)


def split_cases(
    cases: Iterable[Case],
    *,
    seed: int = 0,
    fractions: Sequence[float] = (0.8, 0.1, 0.1),
    test_count: int | None = None,
    fold: int | None = None,
    folds: int | None = None,
    values: Mapping[str, Collection[int]] | None = None,
    kept: Collection[str] = (),
) -> Splits:
    """Divide the labelled cases into training, validation and test.

    Patients are ordered by a hash of name and seed, and the first are taken until they have the
    share of cases. Then patients with as many cases are swapped until each structure is in each
    part, as far as that can be. No part is empty if there is a patient for each.

    Parameters
    ----------
    cases
        Those without a label are left out.
    seed
        Another seed gives another division.
    fractions
        Shares of training, validation and test among the cases.
    test_count
        Instead of the third fraction: patients until there are so many test cases.
    fold, folds
        Cross-validation: fold 0, 1 … ``folds`` - 1 of all patients outside the test set is the
        validation set. The folds have as equal numbers of cases as whole patients allow, and the
        test set is the same in all of them.
    values
        What each case's label holds, by the case's name.
    kept
        Names of cases that were in the test set before: they stay in it, and others join them.

    Raises
    ------
    DataError
        If there is no training case, fewer patients than folds, or the folder puts one patient
        into two splits.
    ConfigError
        If fractions, test_count or fold make no sense here.

    Examples
    --------
    >>> cases = [Case(f"p{i}", f"p{i}.png", "m.png", f"p{i}") for i in range(38)]
    >>> {name: len(part) for name, part in split_cases(cases).items()}
    {'training': 30, 'validation': 4, 'test': 4}
    """
    _require_fractions(fractions)
    _require_fold(fold, folds)
    labelled = [case for case in cases if case.label is not None]
    _require_one_split_a_patient(labelled)
    test = _named(labelled, "test")
    if test and test_count is not None:
        raise ConfigError("test_count is given, but the folder has its own test set")
    share = 1 - fractions[0] if test else fractions[1] / max(fractions[0] + fractions[1], 1e-12)
    named = _named(labelled, "validation")
    validation = named if folds is None else []
    if not test and (test_count is not None or not named):
        patients = _ordered(_without(labelled, validation), "test", seed, values)
        leave = 2 if share > 0 and not validation else 1
        stay = {case.patient for case in labelled if case.name in kept}
        test = _of(labelled, _draw_test(patients, fractions[2], test_count, leave, stay))
    rest = _without(labelled, [*test, *validation])
    patients = _ordered(rest, "validation", seed, values)
    if fold is not None and folds is not None:
        validation = _of(rest, _draw_fold(patients, fold, folds))
    elif not validation:
        validation = _of(rest, _draw_validation(patients, share))
    splits: Splits = {
        "training": _without(rest, validation),
        "validation": validation,
        "test": test,
    }
    _report_empty(splits)
    return splits


def default_fractions(cases: int) -> tuple[float, float, float]:
    """Return the shares for a data set of so many cases of which no task says them.

    Of fewer than 20 cases none is set aside for a test: folds measure each of them.

    >>> default_fractions(20), default_fractions(19)
    ((0.8, 0.1, 0.1), (0.8, 0.2, 0.0))
    """
    return (0.8, 0.1, 0.1) if cases >= 20 else (0.8, 0.2, 0.0)


def patient_number(patient: str, purpose: str, seed: int) -> float:
    """Return a patient's number in [0, 1) for one purpose ("test" or "validation").

    >>> round(patient_number("P12", "test", seed=0), 4)
    0.8216
    """
    digest = hashlib.sha256(os.fsencode(f"{seed}/{purpose}/{patient}")).digest()
    return int.from_bytes(digest[:6]) / 2**48


def _ordered(
    cases: Sequence[Case], purpose: str, seed: int, values: Mapping[str, Collection[int]] | None
) -> Part:
    """Return the patients of cases by their numbers for a purpose."""
    found: dict[str, set[int]] = {}
    for case in cases:
        found.setdefault(case.patient, set()).update((values or {}).get(case.name, ()))
    count = Counter(case.patient for case in cases)
    patients = [Patient(name, count[name], frozenset(found[name] - {0})) for name in found]
    return sorted(patients, key=lambda one: (patient_number(one.name, purpose, seed), one.name))


def _of(cases: Sequence[Case], part: Part) -> list[Case]:
    names = {patient.name for patient in part}
    return [case for case in cases if case.patient in names]


def _rounded(cases: int, share: float) -> int:
    """Return a share of cases, at least one of any share; halves are rounded up."""
    return max(int(cases * share + 0.5 + 1e-9), int(share > 0))


def _draw_test(
    patients: Part, share: float, count: int | None, leave: int, kept: Collection[str]
) -> Part:
    wanted = _rounded(cases_of(patients), share) if count is None else count
    if not wanted:
        return []
    stay = [one for one in patients if one.name in kept]
    others = [one for one in patients if one.name not in kept]
    missing = wanted - cases_of(stay)
    if missing < 0:
        return _drawn(stay, wanted, count is not None)
    test = stay + _drawn(others, missing, count is not None, leave, needed=not stay)
    rest = [one for one in others if one not in test]
    spread([test, rest], set_apart(later=2), fixed=[one.name for one in stay])
    return test


def _drawn(patients: Part, count: int, at_least: bool, leave: int = 0, needed: bool = True) -> Part:
    """Return a part of so many cases, which is not empty where one is needed."""
    part = draw(patients, count, leave=leave, at_least=at_least)
    return part or (draw(patients, 1, leave=leave, at_least=True) if needed else [])


def _draw_validation(patients: Part, share: float) -> Part:
    """Return the patients of the validation set; one stays for training."""
    if share <= 0:
        return []
    validation = _drawn(patients, _rounded(cases_of(patients), share), False, leave=1)
    rest = [one for one in patients if one not in validation]
    spread([validation, rest], set_apart(later=1))
    return validation


def _draw_fold(patients: Part, fold: int, folds: int) -> Part:
    if len(patients) < folds:
        raise DataError(
            f"{folds} folds of {len(patients)} patients outside the test set",
            "write fewer folds, or add labelled cases",
        )
    parts = equal_parts(patients, folds)
    spread(parts, in_most)
    return parts[fold]


def _named(cases: Iterable[Case], split: Split) -> list[Case]:
    return [case for case in cases if case.split == split]


def _without(cases: Iterable[Case], others: Iterable[Case]) -> list[Case]:
    taken = {case.name for case in others}
    return [case for case in cases if case.name not in taken]


def _report_empty(splits: Splits) -> None:
    if not splits["training"]:
        counts = {name: len(part) for name, part in splits.items()}
        raise DataError(
            f"no case is left for training ({counts})", "add labelled cases, or try another seed"
        )
    for name in ("validation", "test"):
        if not splits[name]:
            logger.warning("The %s set is empty: %d cases train.", name, len(splits["training"]))


def _require_fractions(fractions: Sequence[float]) -> None:
    if len(fractions) != 3 or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
        raise ConfigError(
            f"split fractions {list(fractions)}, expected training, validation and test",
            "write three shares that add up to 1, such as [0.8, 0.1, 0.1]",
        )


def _require_fold(fold: int | None, folds: int | None) -> None:
    if fold is None and folds is None:
        return
    if fold is None or folds is None or folds < 2 or not 0 <= fold < folds:
        raise ConfigError(
            f"fold {fold} of {folds} folds, expected both, and fold from 0 to folds - 1",
            "write fold 0 with folds 5 for the first of five",
        )


def _require_one_split_a_patient(cases: Iterable[Case]) -> None:
    first: dict[str, Case] = {}
    for case in cases:
        other = first.setdefault(case.patient, case)
        if other.split != case.split:
            raise DataError(
                f"patient {case.patient} is in two splits: {other.name} in {other.split}, "
                f"{case.name} in {case.split}",
                "put all images of a patient into one of train/, val/ and test/",
            )


def write_splits(path: Path, splits: Splits) -> None:
    """Write the cases of each split as JSON; the file is complete or absent."""
    content = {split: [asdict(case) for case in splits[split]] for split in SPLITS}
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def read_splits(path: Path) -> Splits:
    """Return what `write_splits` wrote.

    Raises
    ------
    DataError
        If the file is missing or was not written by it.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {split: [Case(**entry) for entry in content[split]] for split in SPLITS}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: not the splits of a run ({error})", "train again, or name the run's folder"
        ) from error
