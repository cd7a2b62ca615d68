"""``lamina predict TASK --then TASK2``: a second task within the structures of the first one."""

import argparse
import copy
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina.errors import ConfigError, LaminaError

if TYPE_CHECKING:
    from lamina.prediction.lesion_burden import LesionBurden

Run = Callable[[argparse.Namespace], int]


def predict_then(options: argparse.Namespace, run: Run) -> int:
    """Predict with both tasks, and measure how much of the first's structures is affected.

    Parameters
    ----------
    options
        Of ``lamina predict``, with ``then``; those that choose a run count for the first task.
    run
        Predicts with one task.

    Raises
    ------
    LaminaError
        If a case failed in either step; all others are done by then.
    """
    from lamina.tasks.catalogue import CHECKOUT, find_task, read_task

    if options.input_dir is None:
        raise ConfigError("--then: no images were given", "name a file or folder before it")
    tasks = [read_task(find_task(name)) for name in (options.task, options.then)]
    if tasks[0]["name"] == tasks[1]["name"]:
        raise ConfigError(f"--then {options.then}: the same task twice", "name another one")
    default = Path(options.run_dir or CHECKOUT / "runs" / tasks[0]["name"], "predictions")
    folder = Path(options.output_dir).expanduser() if options.output_dir else default
    folders = [folder / task["name"] for task in tasks]
    first, second = (_step(options, output_dir) for output_dir in folders)
    second.task, second.regions = options.then, str(folders[0].resolve())
    second.run_dir, second.weights = None, options.then_weights
    failed = [error for error in (_tried(run, step) for step in (first, second)) if error]
    rows = _measure(folders, tasks)
    if rows:
        from lamina.prediction.lesion_burden import write_lesion_burden

        print(f"how much of each structure is affected: {write_lesion_burden(rows, folder)[0]}")
    if failed:
        raise failed[0]
    return 0


def _step(options: argparse.Namespace, output_dir: Path) -> argparse.Namespace:
    step = copy.copy(options)
    step.output_dir, step.then = str(output_dir), None
    return step


def _tried(run: Run, step: argparse.Namespace) -> LaminaError | None:
    """Run one step; cases that failed must not keep the others from the next."""
    from lamina.errors import DataError, find_cause

    try:
        run(step)
    except Exception as error:
        cause = find_cause(error)
        manifest = Path(step.output_dir, "manifest.json")
        if not isinstance(cause, DataError) or not manifest.is_file():
            raise
        return cause
    return None


def _measure(folders: list[Path], tasks: list[dict[str, Any]]) -> "list[LesionBurden]":
    """Return the rows of all cases that both tasks have done."""
    from lamina.cases.regions import region_file
    from lamina.files import read_json
    from lamina.prediction.lesion_burden import lesion_burden
    from lamina.readers.grid import with_pixel_size
    from lamina.readers.images import read_grid, read_label
    from lamina.tasks.labels import read_labels

    labels = tuple(read_labels(task["labels"]) for task in tasks)
    manifests = [read_json(output_dir / "manifest.json") for output_dir in folders]
    pixel_size = manifests[0]["about"]["pixel_size"]
    done = [{one["case"]: one for one in m["cases"] if one["status"] == "done"} for m in manifests]
    rows = []
    for name in sorted(set(done[0]) & set(done[1])):
        (first, grid), (second, _) = (read_label(region_file(out, name)) for out in folders)
        if first.ndim == 2:  # a PNG does not say how large its pixels are
            grid = with_pixel_size(read_grid(done[0][name]["input"]["address"]), pixel_size)
        rows += lesion_burden(name, first, second, grid, (labels[0], labels[1]))
    return rows
