"""``lamina train TASK --folds N``: cross-validation, and an ensemble for predictions."""

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from lamina.errors import ConfigError, LaminaError

Words = Callable[[argparse.Namespace], list[str]]


def train_folds(options: argparse.Namespace, words: Words, base: Path) -> int:
    """Train each fold in ``base/fold_K``, measure it on its own cases, and put all in one table.

    Each fold is a process of its own; one that is finished is not trained again, and one that was
    interrupted goes on.

    Parameters
    ----------
    options
        Of ``lamina train``, with ``folds`` and without ``fold``.
    words
        Returns what stands behind ``python -m monai.bundle`` for one fold's options.
    base
        The folder of the whole.

    Raises
    ------
    LaminaError
        If a fold fails, whose own message stands above.
    """
    from lamina.cases.splits_file import read_splits, write_splits
    from lamina.output.folds import out_of_fold_text, write_out_of_fold

    if options.folds < 2:
        raise ConfigError(f"--folds {options.folds}", "write at least 2")
    places = [base / f"fold_{index}" for index in range(options.folds)]
    for index, place in enumerate(places):
        print(f"fold {index} of {options.folds}: {place}", flush=True)
        fold = argparse.Namespace(**vars(options) | {"fold": index, "run_dir": str(place)})
        if (place / "model.pt").is_file() and not options.fresh:
            print("is finished; --fresh trains it anew")
        else:
            _run(words(fold), f"fold {index}")
        if not (place / "evaluation" / "cases.csv").is_file():
            _run(_evaluation(words(fold)), f"the evaluation of fold {index}")
    splits = read_splits(places[0] / "splits.json")
    trained = [*splits["training"], *splits["validation"]]
    write_splits(
        base / "splits.json", {"training": trained, "validation": [], "test": splits["test"]}
    )
    print(out_of_fold_text(write_out_of_fold(places, base / "out_of_fold")))
    print(f"`lamina predict` and `lamina evaluate` average the {options.folds} networks in {base}")
    return 0


def _run(words: list[str], what: str) -> None:
    done = subprocess.run([sys.executable, "-m", "monai.bundle", *words], check=False)
    if done.returncode:
        raise LaminaError(
            f"{what} ended with status {done.returncode}",
            "correct what is said above; the same command goes on with this fold",
        )


def _evaluation(words: list[str]) -> list[str]:
    """Return the line that evaluates a fold on the cases that validated it."""
    kept, wanted = [], ("--task", "--bundle_root", "--dataset_dir", "--run_dir", "--spatial_dims")
    for name, value in zip(words[2::2], words[3::2], strict=True):
        if name in wanted:
            kept += [name, value]
        elif name == "--config_file":
            kept += [name, str(Path(value).with_name("evaluate.json"))]
    return ["run", "evaluating", *kept, "--split", "validation"]
