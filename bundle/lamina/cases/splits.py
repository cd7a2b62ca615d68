"""Training, validation and test: how patients are divided, and the file that keeps it."""

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from lamina.cases.case import SPLITS, Case, Split
from lamina.errors import ConfigError, DataError
from lamina.files import write_text

Splits = dict[Split, list[Case]]
_Range = tuple[float, float]

logger = logging.getLogger(__name__)


def split_cases(
    cases: Iterable[Case],
    *,
    seed: int = 0,
    fractions: Sequence[float] = (0.8, 0.1, 0.1),
    test_count: int | None = None,
    fold: int | None = None,
    folds: int | None = None,
) -> Splits:
    """Divide the labelled cases into training, validation and test.

    The rules stand at the head of this module.

    Parameters
    ----------
    cases
        Those without a label are left out.
    seed
        Another seed gives another division.
    fractions
        Shares of training, validation and test among the patients.
    test_count
        Instead of the third fraction: patients with the lowest test numbers until there are so
        many test cases. An added case can then take another's place.
    fold, folds
        Cross-validation: fold 0, 1 … ``folds`` - 1 of all patients outside the test set, by their
        validation number, is the validation set. The test set is the same in all folds.

    Raises
    ------
    DataError
        If there is no training case, or the folder puts one patient into two splits.
    ConfigError
        If fractions, test_count or fold make no sense here.

    Examples
    --------
    >>> cases = [Case(f"p{i}", f"p{i}.png", "m.png", f"p{i}") for i in range(100)]
    >>> {name: len(part) for name, part in split_cases(cases).items()}
    {'training': 73, 'validation': 20, 'test': 7}
    """
    _require_fractions(fractions)
    _require_fold(fold, folds)
    labelled = [case for case in cases if case.label is not None]
    _require_one_split_a_patient(labelled)
    test = _named(labelled, "test")
    if test and test_count is not None:
        raise ConfigError("test_count is given, but the folder has its own test set")
    window = _validation_window(fractions, bool(test), fold, folds)
    validation = _named(labelled, "validation") if folds is None else []
    if not test and (test_count is not None or not _named(labelled, "validation")):
        test = _draw_test(_without(labelled, validation), seed, fractions[2], test_count)
    rest = _without(labelled, [*test, *validation])
    if not validation:
        validation = _draw_validation(rest, seed, window)
    splits: Splits = {
        "training": _without(rest, validation),
        "validation": validation,
        "test": test,
    }
    _report_empty(splits)
    return splits


def patient_number(patient: str, purpose: str, seed: int) -> float:
    """Return a patient's number in [0, 1) for one purpose ("test" or "validation").

    >>> round(patient_number("P12", "test", seed=0), 4)
    0.8216
    """
    digest = hashlib.sha256(os.fsencode(f"{seed}/{purpose}/{patient}")).digest()
    return int.from_bytes(digest[:6]) / 2**48


def _draw_test(cases: Sequence[Case], seed: int, fraction: float, count: int | None) -> list[Case]:
    numbers = {case.patient: patient_number(case.patient, "test", seed) for case in cases}
    if count is None:
        return [case for case in cases if numbers[case.patient] < fraction]
    chosen: set[str] = set()
    for patient in sorted(numbers, key=numbers.__getitem__):
        if sum(case.patient in chosen for case in cases) >= count:
            break
        chosen.add(patient)
    return [case for case in cases if case.patient in chosen]


def _draw_validation(cases: Sequence[Case], seed: int, window: _Range) -> list[Case]:
    """Return the cases of patients whose validation number lies in the window, or is nearest."""
    numbers = {case.patient: patient_number(case.patient, "validation", seed) for case in cases}
    chosen = {patient for patient, number in numbers.items() if window[0] <= number < window[1]}
    if not chosen and len(numbers) > 1 and window[0] < window[1]:
        nearest = min(numbers, key=lambda patient: _distance(numbers[patient], window))
        logger.warning(
            "The validation set would be empty (%d patients): %s is taken from training.",
            len(numbers),
            nearest,
        )
        chosen = {nearest}
    return [case for case in cases if case.patient in chosen]


def _distance(number: float, window: _Range) -> float:
    return max(window[0] - number, number - window[1])


def _validation_window(
    fractions: Sequence[float], test_is_named: bool, fold: int | None, folds: int | None
) -> _Range:
    if fold is not None and folds is not None:
        return fold / folds, (fold + 1) / folds
    training, validation, _ = fractions
    share = 1 - training if test_is_named else validation / max(training + validation, 1e-12)
    return 0.0, share


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
