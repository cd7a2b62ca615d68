"""``lamina data``: what a folder holds, and what is wrong with it."""

import argparse
from pathlib import Path
from typing import Any

from lamina.commands.workflow import DIVISION, add_command, add_division, add_ignore


def add(commands: Any) -> None:
    """Register the command."""
    parser = add_command(
        commands,
        "data",
        "say what a folder holds, how it is paired and split, and what is wrong with it",
        _data,
        "lamina data ~/my_images --task hippocampus_mr",
    )
    parser.add_argument("dataset_dir", metavar="DIR", help="folder with images and labels")
    parser.add_argument("--task", metavar="TASK", help="check the labels for this task")
    add_ignore(parser)
    add_division(parser)


def _data(options: argparse.Namespace) -> int:
    from lamina.cases import describe
    from lamina.cases.find import find_cases
    from lamina.tasks.catalogue import CHECKOUT, find_task, read_task
    from lamina.tasks.labels import read_labels, with_ignore

    folder = Path(options.dataset_dir).expanduser()
    dataset = find_cases(folder, patient_pattern=options.patient_pattern)
    task = read_task(find_task(options.task)) if options.task else None
    labels = read_labels(task["labels"]) if task else None
    division = {name: getattr(options, name) for name in DIVISION if name != "patient_pattern"}
    division = {name: value for name, value in division.items() if value is not None}
    run_dir = CHECKOUT / "runs" / task["name"] if task else None
    if task:
        division["fractions"] = task["fractions"]
    values = task["label_values"] if task else None
    if options.ignore is not None:
        values = with_ignore(values, options.ignore, labels)
    print(describe(dataset, labels, values, run_dir, **division))
    return 0
