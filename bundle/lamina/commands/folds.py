"""``lamina train TASK --folds N``: cross-validation, and an ensemble for predictions."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from lamina.errors import ConfigError, LaminaError

Words = Callable[[argparse.Namespace], list[str]]

TORCHRUN = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "LOCAL_WORLD_SIZE", "GROUP_RANK")


def train_folds(options: argparse.Namespace, words: Words, base: Path, task: Path) -> int:
    """Train each fold in ``base/fold_K``, measure it on its own cases, and put all in one table.

    Each fold is a process of its own; one that is finished is not trained again, and one that was
    interrupted continues. Several processes share the folds, under torchrun or on machines that
    share ``base``: each takes those that no other process trains, and the last one writes the table.

    Parameters
    ----------
    options
        Of ``lamina train``, with ``folds``; with ``fold`` only that one is trained.
    words
        Returns what stands behind ``python -m monai.bundle`` for one fold's options.
    base
        The folder of the whole.
    task
        The task's file.

    Raises
    ------
    LaminaError
        If a fold fails, whose own message stands above.
    """
    _check(options)
    started = time.time()
    folders = [base / f"fold_{index}" for index in range(options.folds)]
    wanted = list(range(options.folds)) if options.fold is None else [options.fold]
    taken: list[int] = []

    def to_do(folds: Sequence[int]) -> list[int]:
        since = started if options.fresh else 0
        return [k for k in folds if k not in taken and not _finished(folders[k], since)]

    # A fold whose process died meanwhile is taken up in another round.
    while now := [k for k in to_do(wanted) if _take(options, words, base, k)]:
        taken += now
    if missing := to_do(range(options.folds)):
        named = ", ".join(map(str, missing))
        print(f"not finished: fold {named}; whoever finishes the last one writes the table")
        return 0
    return _conclude(base, folders, task)


def _check(options: argparse.Namespace) -> None:
    if options.folds < 2:
        raise ConfigError(f"--folds {options.folds}", "write at least 2")
    if options.fold is not None and not 0 <= options.fold < options.folds:
        raise ConfigError(
            f"fold {options.fold} of {options.folds} folds", "count from 0 to folds - 1"
        )


def _finished(folder: Path, since: float) -> bool:
    files = folder / "model.pt", folder / "evaluation" / "cases.csv"
    return all(file.is_file() and file.stat().st_mtime >= since for file in files)


def _take(options: argparse.Namespace, words: Words, base: Path, index: int) -> bool:
    """Train and measure a fold, unless another process does; say whether this one did."""
    from lamina.locks import locked

    folder = base / f"fold_{index}"
    with locked(base / f".fold_{index}.lock") as mine:
        if not mine:
            print(f"fold {index}: another process has it", flush=True)
            return False
        print(f"fold {index} of {options.folds}: {folder}", flush=True)
        fold = argparse.Namespace(**vars(options) | {"fold": index, "run_dir": str(folder)})
        if not (folder / "model.pt").is_file() or options.fresh:
            _run(words(fold), f"fold {index}")
        _run(_evaluation(words(fold)), f"the evaluation of fold {index}")
    return True


def _conclude(base: Path, folders: Sequence[Path], task: Path) -> int:
    """Write the table, the splits of the whole, and the post-processing."""
    from lamina.cases.splits import read_splits, write_splits
    from lamina.evaluation.folds import out_of_fold_text, write_out_of_fold, write_postprocessing
    from lamina.locks import locked

    with locked(base / ".table.lock") as mine:
        if not mine:
            print("another process writes the table")
            return 0
        splits = read_splits(folders[0] / "splits.json")
        trained = [*splits["training"], *splits["validation"]]
        write_splits(
            base / "splits.json", {"training": trained, "validation": [], "test": splits["test"]}
        )
        print(out_of_fold_text(write_out_of_fold(folders, base / "out_of_fold")), end="\n\n")
        print(write_postprocessing(folders, task, base))
    print(f"`lamina predict` and `lamina evaluate` average the {len(folders)} networks in {base}")
    return 0


def _run(words: list[str], what: str) -> None:
    from lamina.tasks.catalogue import CHECKOUT

    line = [sys.executable, "-m", "monai.bundle", *words]
    done = subprocess.run(line, check=False, env=_environment(), cwd=CHECKOUT)
    if done.returncode:
        raise LaminaError(
            f"{what} ended with status {done.returncode}",
            "correct what is said above; the same command continues with this fold",
        )


def _environment() -> dict[str, str]:
    """Return that of a training by itself: under torchrun, each on a GPU of its own."""
    given = {name: value for name, value in os.environ.items() if name not in TORCHRUN}
    rank = given.pop("LOCAL_RANK", None)
    if rank is not None and "CUDA_VISIBLE_DEVICES" not in given:
        given["CUDA_VISIBLE_DEVICES"] = rank
    return given


def _evaluation(words: list[str]) -> list[str]:
    """Return the line that evaluates a fold on the cases that validated it."""
    kept, wanted = [], ("--task", "--bundle_root", "--dataset_dir", "--run_dir", "--spatial_dims")
    for name, value in zip(words[2::2], words[3::2], strict=True):
        if name in wanted:
            kept += [name, value]
        elif name == "--config_file":
            kept += [name, str(Path(value).with_name("evaluate.json"))]
    return ["run", "evaluating", *kept, "--split", "validation"]
