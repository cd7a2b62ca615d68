"""The tasks that come with a checkout, and the one that a name or path stands for."""

import difflib
import re
from pathlib import Path
from typing import Any

from lamina.errors import ConfigError
from lamina.files import read_json
from lamina.tasks.labels import live_names

_NAME = re.compile(r"\w[\w. -]*")
CHECKOUT = Path(__file__).resolve().parents[3]


def task_files(checkout: Path = CHECKOUT) -> list[Path]:
    """Return the task files of a checkout, by name."""
    return sorted((checkout / "configs" / "tasks").glob("*.json"))


def find_task(name: str, checkout: Path = CHECKOUT) -> Path:
    """Return the task file for a name, or for a path to a file of one's own.

    Raises
    ------
    ConfigError
        If there is none; names the nearest known one.

    Examples
    --------
    >>> find_task("hippocampus_mr").name
    'hippocampus_mr.json'
    """
    if name.endswith(".json"):
        if Path(name).is_file():
            return Path(name).resolve()
        raise ConfigError(f"task {name}: there is no such file", "check the path")
    known = {path.stem: path for path in task_files(checkout)}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}? " if near else ""
    raise ConfigError(
        f"task {name!r} is not known", f"{hint}known are {', '.join(known)}; or give a .json file"
    )


def read_task(path: Path) -> dict[str, Any]:
    """Return what a task file says, as it stands there.

    Raises
    ------
    ReadError
        If it is not JSON.
    ConfigError
        If it is JSON, but not an object with a name that may stand in a path, or a structure's
        name would run as code.
    """
    task = read_json(path)
    if not isinstance(task, dict) or "name" not in task:
        raise ConfigError(f"{path}: not a task", 'a task is {"name": …, "labels": […], …}')
    if not _NAME.fullmatch(str(task["name"])):
        raise ConfigError(
            f"{path}: the task's name {task['name']!r}, which is a part of paths",
            "write letters, digits, _, - and . alone, a letter or digit first",
        )
    live = list(live_names(task.get("labels")))
    if live:
        raise ConfigError(f"{path}: " + "\n".join(live), "correct the task file")
    return task
