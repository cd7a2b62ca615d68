"""``lamina check``: mistakes in a task or a config, before any time is lost."""

import argparse
import contextlib
import json
from pathlib import Path
from typing import Any

from lamina.commands.workflow import add_command, add_trust


def add(commands: Any) -> None:
    """Register the command."""
    parser = add_command(
        commands,
        "check",
        "look for mistakes in a task or a config, and in a data set for it",
        _check,
        "lamina check my_task.json --dataset-dir ~/my_images",
    )
    parser.add_argument(
        "config", metavar="TASK|CONFIG", help="a task's name or file, or a workflow's config file"
    )
    add_trust(parser)
    parser.add_argument(
        "--dataset-dir", metavar="DIR", help="data set (images and labels) to check as well"
    )


def _check(options: argparse.Namespace) -> int:
    from lamina.console import speak_plainly
    from lamina.errors import ConfigError

    speak_plainly()
    messages: list[str] = []
    looked_at = 0
    for config in _configs(options.config, options.trust):
        looked_at += 1
        try:
            _check_one(config, options.dataset_dir)
        except ConfigError as error:
            messages += [line for line in str(error).split("\n") if not line.startswith("  →")]
    problems = list(dict.fromkeys(messages))
    for problem in problems:
        print(f"- {problem}")
    if not problems:
        print(f"{options.config}: nothing wrong ({looked_at} workflows were looked at)")
    if not problems and options.dataset_dir:
        _check_data(options)
    return 1 if problems else 0


def _configs(name: str, trust: bool) -> list[dict[str, Any]]:
    """Return what is to be checked, macros resolved: a task in each workflow and dimension."""
    from lamina.tasks.catalogue import CHECKOUT, find_task, read_task
    from lamina.tasks.trust import require_trust

    if name.endswith(".json") and _is_workflow(Path(name)):
        require_trust(Path(name), trust)
        return [_resolved(Path(name))]
    file = find_task(name)
    task = read_task(file)
    require_trust(file, trust)
    patch = task.get("patch_size")
    dims = [int(key) for key in patch] if isinstance(patch, dict) else [task.get("spatial_dims")]
    files = [CHECKOUT / "configs" / f"{part}.json" for part in ("train", "inference", "evaluate")]
    # MONAI resolves no macros within a task, which is one itself.
    return [
        _resolved(workflow, spatial_dims=dim) | {"task": task} for workflow in files for dim in dims
    ]


def _is_workflow(path: Path) -> bool:
    from lamina.errors import ConfigError
    from lamina.files import read_json

    if not path.is_file():
        raise ConfigError(f"{path}: there is no such file", "check the path")
    content = read_json(path)
    return isinstance(content, dict) and "labels" not in content.get("task", content)


def _resolved(path: Path, **changes: Any) -> dict[str, Any]:
    from monai.bundle import ConfigParser

    from lamina.tasks.catalogue import CHECKOUT

    parser = ConfigParser()
    # A workflow names its task from the checkout's root.
    with contextlib.chdir(CHECKOUT):
        parser.read_config(str(path.resolve()))
        parser.update(changes)
        parser.resolve_macro_and_relative_ids()
    content: dict[str, Any] = json.loads(json.dumps(parser.get()))
    return content


def _check_one(config: dict[str, Any], dataset_dir: str | None) -> None:
    from lamina.tasks.check import check_config

    folders = {"dataset_dir": dataset_dir} if dataset_dir else {}
    check_config(config | folders)


def _check_data(options: argparse.Namespace) -> None:
    from lamina.cases.selection import make_splits
    from lamina.tasks.catalogue import CHECKOUT
    from lamina.tasks.labels import read_labels

    if _configs(options.config, options.trust)[0].get("task") is None:
        return
    task = _configs(options.config, options.trust)[0]["task"]
    splits = make_splits(
        options.dataset_dir,
        labels=read_labels(task["labels"]),
        label_values=task["label_values"],
        run_dir=CHECKOUT / "runs" / task["name"],
        fractions=task["fractions"],
    )
    counts = ", ".join(f"{len(cases)} {name}" for name, cases in splits.items())
    print(f"{options.dataset_dir}: nothing wrong ({counts})")
