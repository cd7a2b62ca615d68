"""Cross-validation as one table, and the post-processing chosen on it."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lamina.errors import DataError
from lamina.evaluation.choose_postprocessing import (
    Pair,
    choice_text,
    choose_postprocessing,
    write_choice,
)
from lamina.files import read_csv, read_json, write_json, write_table
from lamina.inference.postprocessing import NAME
from lamina.metrics.catalogue import METRICS, format_number
from lamina.metrics.statistics import Description, describe
from lamina.tasks.catalogue import read_task
from lamina.tasks.labels import read_labels

SHOWN = ("dice", "iou")


def write_out_of_fold(folds: Sequence[Path], folder: Path) -> dict[str, dict[str, Description]]:
    """Write ``cases.csv`` (with a column "fold") and ``summary.json``; return the summary.

    Parameters
    ----------
    folds
        Runs with an evaluation of the cases that validated them.
    folder
        Where both go.

    Returns
    -------
    For each structure and for their "mean", each metric as `lamina.metrics.statistics.describe`
    has it.

    Raises
    ------
    DataError
        If a case was measured by two folds, which then are not folds of one division.
    """
    rows: list[dict[str, Any]] = [
        {"fold": index, **row}
        for index, fold in enumerate(folds)
        for row in read_csv(fold / "evaluation" / "cases.csv")
    ]
    keys = [(row["case"], row["class"]) for row in rows]
    twice = sorted({case for case, name in keys if keys.count((case, name)) > 1})
    if twice:
        raise DataError(
            f"{', '.join(twice[:3])}: measured by more than one fold",
            "the folds are of different divisions: train them anew with --fresh",
        )
    summary = _summary(rows)
    write_table(folder / "cases.csv", list(rows[0]), rows)
    write_json(folder / "summary.json", summary)
    return summary


def out_of_fold_text(summary: Mapping[str, Mapping[str, Description]]) -> str:
    """Return the table that people read: mean and 95 % interval."""
    titles = [METRICS[name].title for name in SHOWN]
    lines = ["", "out of fold" + " " * 13 + "".join(f"{title:>26}" for title in titles)]
    for name, metrics in summary.items():
        cells = "".join(
            f"{_cell(metrics[metric], metric):>26}" for metric in SHOWN if metric in metrics
        )
        lines.append(f"{name:<24}{cells}")
    return "\n".join(lines)


def _cell(described: Description, metric: str) -> str:
    low, high = described["interval"] or (None, None)
    mean = format_number(described["mean"], metric)
    return f"{mean} [{format_number(low, metric)}, {format_number(high, metric)}]"


def _summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Description]]:
    names = list(dict.fromkeys(row["class"] for row in rows))
    cases = list(dict.fromkeys(row["case"] for row in rows))
    metrics = [name for name in rows[0] if name in METRICS]
    tables = {metric: _table(rows, cases, names, metric) for metric in metrics}
    structures = {
        name: {metric: describe([row[i] for row in table]) for metric, table in tables.items()}
        for i, name in enumerate(names)
    }
    return structures | {"mean": {metric: describe(table) for metric, table in tables.items()}}


def _table(
    rows: Sequence[Mapping[str, Any]], cases: Sequence[str], names: Sequence[str], metric: str
) -> list[list[float]]:
    values = {(row["case"], row["class"]): row[metric] for row in rows}
    return [[_number(values.get((case, name))) for name in names] for case in cases]


def _number(text: str | None) -> float:
    return float(text) if text else math.nan


def write_postprocessing(folds: Sequence[Path], task_file: Path, base: Path) -> str:
    """Choose on the folds' evaluations, write ``postprocessing.json``, and say what it is.

    The networks do not run again: the label maps that the evaluations saved are enough.

    Parameters
    ----------
    folds
        Runs with an evaluation of the cases that validated them.
    task_file
        Whose structures they are; its own post-processing is in the label maps already.
    base
        Where the file goes; `lamina.inference.find_postprocessing` takes it from there.
    """
    task = read_task(task_file)
    labels = read_labels(task["labels"])
    choice = choose_postprocessing([pair for fold in folds for pair in _pairs(fold)], labels)
    write_choice(choice, labels, task.get("postprocessing") or [], base / NAME)
    return f"post-processing {choice_text(choice, labels)}: {base / NAME}"


def _pairs(fold: Path) -> list[Pair]:
    folder = fold / "evaluation"
    cases = read_json(folder / "summary.json")["cases"]
    if not all("files" in case for case in cases):
        raise DataError(
            f"{folder}: an older evaluation, which kept no label maps",
            "remove its cases.csv and give the same command again: it is then measured anew",
        )
    return [
        (folder / case["files"]["prediction"], folder / case["files"]["truth"]) for case in cases
    ]
