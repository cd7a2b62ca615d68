"""Which cases a workflow works on, as the items of its data set."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lamina.cases.case import SPLITS, Case, items
from lamina.cases.checks import bounded, require_usable
from lamina.cases.find import find_cases, input_cases
from lamina.cases.splits import Splits, split_cases
from lamina.cases.splits_file import read_splits
from lamina.errors import ConfigError, DataError
from lamina.tasks import Label

Items = list[dict[str, str]]

logger = logging.getLogger("lamina")


def make_splits(
    dataset_dir: str | Path | None,
    *,
    labels: Sequence[Label],
    label_values: Mapping[str, int] | None = None,
    **division: Any,
) -> Splits:
    """Find, check and divide the cases of a data set.

    Parameters
    ----------
    dataset_dir
        The folder; None where the task has no phantoms and no folder was given.
    labels, label_values
        The task's classes, and what stands for them in the label files.
    division
        As `lamina.cases.split_cases` takes it.

    Raises
    ------
    DataError
        If there is no folder, or it can't be used; all that is wrong in one list.
    """
    if dataset_dir is None:
        raise DataError(
            "dataset_dir: this task has no phantoms, and no folder was given",
            "give --dataset_dir FOLDER (through lamina: --dataset-dir FOLDER)",
        )
    dataset = find_cases(dataset_dir)
    require_usable(dataset, labels, label_values)
    return split_cases(dataset.cases, **division)


def tell_splits(dataset_dir: str | Path | None, splits: Splits) -> None:
    """Say how many cases of a folder are for training, validation and test."""
    counts = ", ".join(f"{len(splits[name])} {name}" for name in SPLITS)
    logger.info("%s: labelled cases: %s", dataset_dir, counts)


def inference_items(input_dir: str | Path) -> Items:
    """Return every image below a folder, or the one file; what is no image is named in the log."""
    found = input_cases(input_dir)
    for problem in bounded(found.problems):
        logger.warning("left out: %s", problem)
    logger.info("%s: %d image(s)", found.root, len(found.cases))
    return items(found.cases)


def chosen_cases(
    dataset_dir: str | Path | None, run_dir: str | Path, split: str, **how: Any
) -> list[Case]:
    """Return the cases of a split, as the run divided this data set, or by the same rule anew.

    The run's ``splits.json`` counts where it is of the same folder: no case that was trained on
    can then turn up in the test, whatever seed is given.

    Parameters
    ----------
    dataset_dir
        The data set.
    run_dir
        Folder of the run.
    split
        ``training``, ``validation``, ``test`` or ``all``.
    how
        As `make_splits` takes it.

    Raises
    ------
    ConfigError
        If there is no such split.
    DataError
        If the split is empty.
    """
    if split not in (*SPLITS, "all"):
        raise ConfigError(f"split: {split!r}", f"use one of {', '.join(SPLITS)}, all")
    splits = make_splits(dataset_dir, **how)
    recorded = Path(run_dir, "splits.json")
    if recorded.is_file():
        splits = _as_recorded(splits, read_splits(recorded))
    tell_splits(dataset_dir, splits)
    chosen = [case for name in SPLITS for case in splits[name] if split in (name, "all")]
    if not chosen:
        raise DataError(
            f"{dataset_dir}: no case in the {split} split",
            "choose another --split (all takes every labelled case), or other fractions",
        )
    return chosen


def _as_recorded(found: Splits, recorded: Splits) -> Splits:
    """Divide as the run did where it knew a case; cases that it never saw stay where they fell."""
    where = {case.image: name for name in SPLITS for case in recorded[name]}
    cases = [(case, name) for name in SPLITS for case in found[name]]
    if not any(case.image in where for case, _ in cases):
        return found
    return {
        wanted: [case for case, name in cases if where.get(case.image, name) == wanted]
        for wanted in SPLITS
    }


def held_out_items(dataset_dir: str | Path | None, run_dir: str | Path, **how: Any) -> Items:
    """Return the test cases without their labels, for inference without a folder of its own."""
    cases = chosen_cases(dataset_dir, run_dir, "test", **how)
    return [{"image": case.image, "case": case.name} for case in cases]


def evaluation_items(
    dataset_dir: str | Path | None, run_dir: str | Path, split: str, **how: Any
) -> Items:
    """Return cases whose image stands twice: to be worked on, and raw for measures and pictures."""
    return [
        {"image": case.image, "raw": case.image, "truth": str(case.label), "case": case.name}
        for case in chosen_cases(dataset_dir, run_dir, split, **how)
    ]
