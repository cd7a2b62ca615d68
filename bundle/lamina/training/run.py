"""A run's folder: its settings, and whether a new call continues it."""

import logging
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from lamina.cases import fingerprint, hash_files
from lamina.cases.case import SPLITS
from lamina.cases.splits import Splits, write_splits
from lamina.errors import ConfigError, LaminaError
from lamina.files import read_json, write_json
from lamina.locks import keep_lock, release_lock
from lamina.tensors import TrainedOn

logger = logging.getLogger(__name__)

_LOCK = ".training.lock"

# What may differ when a run continues: a longer schedule, and how it is called, shown, described.
FREE = (
    "epochs",
    "fresh",
    "run_dir",
    "bundle_root",
    "dataset_dir",  # the cases' contents count, wherever they lie
    "progress",
    "patience",
    "cache_gb",
    "cache_dir",
    "_meta_",
)


class RunFacts(TypedDict):
    """What ``run.json`` holds: the config as it was given, a hash of each case, by split, and epochs.

    ``continues`` stands there while a finished run gets more epochs: ``model.pt`` is then the
    model of the shorter run, which can be used until the longer one is finished. ``images`` are
    hashes of the images alone, which the weights carry.
    """

    config: dict[str, Any]
    data: dict[str, dict[str, str]]
    epochs: int
    continues: NotRequired[bool]
    images: NotRequired[TrainedOn]


def start_run(
    run_dir: str, config: Mapping[str, Any], splits: Splits, epochs: int, fresh: bool = False
) -> bool:
    """Make ``run_dir`` ready; return whether an unfinished run continues there.

    Writes ``run.json`` (the config as files and command line made it, and a hash of each case)
    and ``splits.json``. With the same config and data a run that is not finished continues, and so
    does one that gets more epochs: its schedule is then rebuilt for the new length. The folder is
    locked until `end_run`, or the end of this process.

    Raises
    ------
    ConfigError
        If the folder holds a finished run, or one with another config or other data, or if
        another process trains in it.
    """
    folder = Path(run_dir)
    _lock(folder)
    requested: RunFacts = {"config": dict(config), "data": fingerprint(splits), "epochs": epochs}
    requested["images"] = {
        part: sorted({hash_files(case.image) for case in splits[part]}) for part in SPLITS
    }
    if fresh:
        _remove_run(folder)
    for part in folder.glob(".part-*"):  # what a killed write left
        part.unlink(missing_ok=True)
    previous = read_json(folder / "run.json") if _has_weights(folder) else None
    if previous is not None:
        _refuse_other(folder, previous, requested)
        _refuse_finished(folder, previous, epochs)
    if (folder / "model.pt").exists():
        requested["continues"] = True
    write_splits(folder / "splits.json", splits)
    write_json(folder / "run.json", requested)
    return (folder / "last.pt").exists()


def _lock(folder: Path) -> None:
    try:
        mine = keep_lock(folder / _LOCK)
    except LaminaError as error:
        logger.warning("%s: a second training in it would not be noticed", error)
        return
    if not mine:
        raise ConfigError(
            f"{folder}: another process trains in it",
            "wait for its end, or stop it; or choose another --run-dir",
        )


def end_run(run_dir: str | Path, finished: bool = False) -> None:
    """Unlock a run's folder; where the run is finished, ``model.pt`` is its model."""
    record = Path(run_dir, "run.json")
    if finished and record.exists() and (facts := read_json(record)).pop("continues", False):
        write_json(record, facts)
    release_lock(Path(run_dir, _LOCK))


def _has_weights(folder: Path) -> bool:
    """Say whether a run got as far as a checkpoint; one that did not starts anew."""
    return (folder / "run.json").exists() and any(
        (folder / name).exists() for name in ("last.pt", "model.pt")
    )


def _remove_run(folder: Path) -> None:
    for name in ("run.json", "last.pt", "best.pt", "model.pt", "history.json", "splits.json"):
        (folder / name).unlink(missing_ok=True)
    for name in ("tensorboard", "cache"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _refuse_other(folder: Path, previous: RunFacts, requested: RunFacts) -> None:
    differences = [
        *differing(previous["config"], requested["config"]),
        *changed_cases(previous["data"], requested["data"]),
    ]
    differences = [text for text in differences if re.split("[:#]", text)[0] not in FREE]
    if differences:
        shown = "; ".join(differences[:5]) + (" …" if len(differences) > 5 else "")
        raise ConfigError(
            f"{folder} holds a run that differs in {shown}",
            "choose another --run-dir, or --fresh to throw that run away (MONAI's runner: --fresh true)",
        )


def _refuse_finished(folder: Path, previous: RunFacts, epochs: int) -> None:
    finished = (folder / "model.pt").exists() and not previous.get("continues")
    if epochs < previous["epochs"] or (finished and epochs == previous["epochs"]):
        state = "finished" if finished else "unfinished"
        raise ConfigError(
            f"{folder} holds a {state} run of {previous['epochs']} epochs, {epochs} are requested",
            f"predict or evaluate with it; or more than {previous['epochs']} --epochs to continue "
            "it; or another --run-dir; or --fresh to throw it away (MONAI's runner: --fresh true)",
        )


def differing(old: Any, new: Any, name: str = "") -> list[str]:
    """Name what differs between two configs, innermost ids first.

    >>> differing({"lr": 0.1, "net": {"width": 16}}, {"lr": 0.1, "net": {"width": 32}})
    ['net#width: 16, now 32']
    """
    if old == new:
        return []
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        keys = list(dict.fromkeys([*old, *new]))
        return [
            text
            for key in keys
            for text in differing(old.get(key), new.get(key), f"{name}#{key}" if name else str(key))
        ]
    return [f"{name}: {_short(old)}, now {_short(new)}"]


def changed_cases(
    old: Mapping[str, Mapping[str, str]], new: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """Name the cases whose files changed, that came, went, or moved to another split.

    >>> changed_cases({"training": {"a": "1", "b": "2"}}, {"training": {"a": "3"}})
    ['data: training case a has changed', 'data: training case b is gone']
    """
    texts = []
    for split in dict.fromkeys([*old, *new]):
        before, now = old.get(split, {}), new.get(split, {})
        for name in dict.fromkeys([*before, *now]):
            if before.get(name) != now.get(name):
                what = "is gone" if name not in now else "has changed"
                what = "is new" if name not in before else what
                texts.append(f"data: {split} case {name} {what}")
    return texts


def _short(value: Any, most: int = 60) -> str:
    text = str(value).replace("::", "#")
    if text.startswith(("$lamina.tasks.for_dims(@task#", "@task#")):
        return "the task's"
    return text if len(text) <= most else text[: most - 1] + "…"
