"""Which cases a workflow works on, as the items of its data set."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lamina.cases.case import SPLITS, Case, DataSet, Split
from lamina.cases.checks import require_usable
from lamina.cases.find import find_cases
from lamina.cases.fingerprint import hash_files
from lamina.cases.splits import Splits, read_splits, split_cases
from lamina.errors import ConfigError, DataError
from lamina.files import read_json
from lamina.readers.dicom_rules import Rules
from lamina.tasks.labels import Label

Items = list[dict[str, str]]

logger = logging.getLogger("lamina")


def make_splits(
    dataset_dir: str | Path | None,
    *,
    labels: Sequence[Label],
    label_values: Mapping[str, int] | None = None,
    patient_pattern: str | None = None,
    rules: Rules | None = None,
    run_dir: str | Path | None = None,
    fresh: bool = True,
    **division: Any,
) -> Splits:
    """Find, check and divide the cases of a data set.

    A test case of the run in ``run_dir`` stays a test case: others join it where files were added.

    Parameters
    ----------
    dataset_dir
        The folder; None where the task has no phantoms and no folder was given.
    labels, label_values
        The task's classes, and what stands for them in the label files.
    patient_pattern, rules
        As `lamina.cases.find_cases` takes them.
    run_dir
        Folder of a run, which need not be there yet.
    fresh
        False takes the run's division as it is, where it has weights and knows the same cases.
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
    dataset = find_cases(dataset_dir, patient_pattern=patient_pattern, rules=rules)
    values = require_usable(dataset, labels, label_values)
    recorded = recorded_splits(run_dir)
    if recorded and not fresh and (same := _continued(dataset, recorded, Path(run_dir or ""))):
        return same
    kept = {case.name for case in recorded["test"]} if recorded else ()
    return split_cases(dataset.cases, values=values, kept=kept, **division)


def _continued(dataset: DataSet, recorded: Splits, run_dir: Path) -> Splits | None:
    """Return the division of a run that has weights, if it is one of these cases."""
    if not any((run_dir / name).is_file() for name in ("last.pt", "model.pt")):
        return None
    place = {(case.name, case.patient): part for part in SPLITS for case in recorded[part]}
    splits: Splits = {part: [] for part in SPLITS}
    for case in dataset.labelled:
        part = place.get((case.name, case.patient))
        if part is None or case.split not in (None, part):
            return None
        splits[part].append(case)
    return splits if len(place) == len(dataset.labelled) else None


def recorded_splits(run_dir: str | Path | None) -> Splits | None:
    """Return the division that a run's folder holds, None where there is none.

    >>> recorded_splits("/nowhere")
    """
    path = Path(run_dir, "splits.json") if run_dir is not None else None
    return read_splits(path) if path is not None and path.is_file() else None


def tell_splits(dataset_dir: str | Path | None, splits: Splits) -> None:
    """Say how many cases of a folder are for training, validation and test."""
    counts = ", ".join(f"{len(splits[name])} {name}" for name in SPLITS)
    logger.info("%s: labelled cases: %s", dataset_dir, counts)


def chosen_cases(
    dataset_dir: str | Path | None,
    run_dir: str | Path,
    split: str,
    weights: Sequence[str | Path] = (),
    **how: Any,
) -> list[Case]:
    """Return the cases of a split, as they are to the weights.

    Weights carry what they were trained on: a case is training, validation or test as it was then,
    and one that they never saw is a test case, so that all of a new data set is. For weights that
    do not say it the run's ``splits.json`` counts, by the files' names or, in a copy of the data
    set, by their contents, whatever seed is given; else the same rule is followed anew. Measuring
    on cases that were trained on is told in the log.

    Parameters
    ----------
    dataset_dir
        The data set.
    run_dir
        Folder of the run.
    split
        ``training``, ``validation``, ``test`` or ``all``.
    weights
        The files of the network or networks.
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
    splits = make_splits(dataset_dir, run_dir=run_dir, **how)
    if known := _known_to(weights):
        splits = _as_known(splits, known)
    elif recorded := recorded_splits(run_dir):
        splits = _as_recorded(splits, recorded, Path(run_dir))
    elif weights:
        logger.warning(
            "%s: what it was trained on is not recorded, so that these cases may be among that",
            ", ".join(map(str, weights)),
        )
    tell_splits(dataset_dir, splits)
    chosen = [case for name in SPLITS for case in splits[name] if split in (name, "all")]
    trained_on = len(splits["training"]) if split in ("training", "all") else 0
    if trained_on:
        logger.warning(
            "%d of these cases were trained on: scores on training cases are optimistic", trained_on
        )
    if not chosen:
        raise DataError(
            f"{dataset_dir}: no case in the {split} split",
            "choose another --split (all takes every labelled case), or other fractions",
        )
    return chosen


def _known_to(weights: Sequence[str | Path]) -> dict[str, Split]:
    """Return how networks know images, by their hashes; nothing if one of them does not say it."""
    from lamina.tensors import load_checkpoint, trained_on_of  # torch, which a scan does not need

    records = [trained_on_of(load_checkpoint(path)) for path in weights]
    if None in records:
        return {}
    # What one of them was trained on counts before all else.
    return {
        image: part
        for part in reversed(SPLITS)
        for record in records
        for image in (record or {}).get(part, [])
    }


def _as_known(found: Splits, known: Mapping[str, Split]) -> Splits:
    splits: Splits = {part: [] for part in SPLITS}
    unseen = 0
    for case in (case for part in SPLITS for case in found[part]):
        part = known.get(hash_files(case.image))
        unseen += part is None
        splits[part or "test"].append(case)
    if unseen:
        logger.info("the weights never saw %d of these cases, which are test cases", unseen)
    return splits


def _as_recorded(found: Splits, recorded: Splits, run_dir: Path) -> Splits:
    """Divide as the run did where it knew a case; cases that it never saw stay where they fell."""
    by_path = {case.image: name for name in SPLITS for case in recorded[name]}
    by_content = _by_content(run_dir)
    cases = [(case, name) for name in SPLITS for case in found[name]]
    where = {
        case.name: by_path.get(case.image)
        or (by_content and by_content.get(hash_files(case.image, case.label)))
        or name
        for case, name in cases
    }
    return {wanted: [case for case, _ in cases if where[case.name] == wanted] for wanted in SPLITS}


def _by_content(run_dir: Path) -> dict[str, str]:
    """Return the split of each case that a run knew, by the hash of its image and label."""
    path = run_dir / "run.json"
    data = read_json(path)["data"] if path.is_file() else {}
    # Training comes last, and so first: of two equal images one was perhaps trained on.
    order = [split for split in reversed(SPLITS) if split in data]
    return {digest: split for split in order for digest in data[split].values()}


def held_out_items(dataset_dir: str | Path | None, run_dir: str | Path, **how: Any) -> Items:
    """Return the test cases without their labels, for inference without a folder of its own."""
    cases = chosen_cases(dataset_dir, run_dir, "test", **how)
    return [{"image": case.image, "case": case.name} for case in cases]


def evaluation_items(
    dataset_dir: str | Path | None, run_dir: str | Path, split: str, **how: Any
) -> Items:
    """Return cases whose image stands twice: to be worked on, and raw for measures and pictures."""
    return [
        {"image": case.image, "raw": case.image, "truth": case.label or "", "case": case.name}
        for case in chosen_cases(dataset_dir, run_dir, split, **how)
    ]
