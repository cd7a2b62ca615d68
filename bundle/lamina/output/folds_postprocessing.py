"""The post-processing of a run of several folds, chosen on what each has not seen."""

from collections.abc import Sequence
from pathlib import Path

from lamina.errors import DataError
from lamina.files import read_json
from lamina.inference.postprocessing import NAME
from lamina.output.choose_postprocessing import (
    Pair,
    choice_text,
    choose_postprocessing,
    write_choice,
)
from lamina.tasks import read_labels
from lamina.tasks.catalogue import read_task


def write_postprocessing(folds: Sequence[Path], task_file: Path, base: Path) -> str:
    """Choose on the folds' evaluations, write ``postprocessing.json``, and say what it is.

    The networks are not asked again: the label maps that the evaluations kept are enough.

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
