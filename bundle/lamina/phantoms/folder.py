"""A folder of phantoms that is made once: complete, or absent, or refused."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lamina.errors import ConfigError, DataError
from lamina.files import write_json

RECIPE_FILE = "phantoms.json"


def make_once(
    folder: str | Path,
    parameters: Mapping[str, Any],
    files: Iterable[str],
    write: Callable[[Path], None],
) -> Path:
    """Return the folder's path, after writing it unless that same data set is already there.

    Parameters
    ----------
    folder
        New or empty folder, or one with the same data set.
    parameters
        All that determines the data set, stored in it as ``phantoms.json``; ``recipe`` is a version
        to raise whenever the same parameters give other images than before.
    files
        Files of a complete data set, as paths below the folder.
    write
        Fills an empty folder.

    Raises
    ------
    DataError
        If the folder holds anything else than this very data set.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as new:
    ...     path = make_once(f"{new}/a", {"seed": 1}, ["x"], lambda to: (to / "x").touch())
    ...     sorted(file.name for file in path.iterdir())
    ['phantoms.json', 'x']
    """
    recipe = json.loads(json.dumps(parameters))
    target = Path(folder).absolute()
    expected = list(files)
    if not _is_there(target, recipe, expected):
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as beside:
            new = Path(beside) / target.name
            new.mkdir()
            write_json(new / RECIPE_FILE, recipe)
            write(new)
            _put_in_place(new, target, recipe, expected)
    return target


def require_numbers(**numbers: int) -> None:
    """Refuse numbers that are too small: all must be 1 or more, a seed 0 or more.

    Raises
    ------
    ConfigError
        Names all numbers that were given, and what was expected.

    Examples
    --------
    >>> require_numbers(cases=0, seed=3)
    Traceback (most recent call last):
        ...
    lamina.errors.ConfigError: cases 0, seed 3: expected cases from 1, seed from 0
    """
    least = {name: int(name != "seed") for name in numbers}
    if any(value < least[name] for name, value in numbers.items()):
        given = ", ".join(f"{name} {value}" for name, value in numbers.items())
        expected = ", ".join(f"{name} from {low}" for name, low in least.items())
        raise ConfigError(f"{given}: expected {expected}")


def _is_there(target: Path, recipe: Mapping[str, Any], files: list[str]) -> bool:
    """Return whether the folder holds this data set; raise DataError if it holds something else."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return False
    path = target / RECIPE_FILE
    if not path.is_file():
        raise DataError(
            f"{target}: expected a new or empty folder, found other files in it",
            "name another folder for the phantoms, or empty this one",
        )
    stored = _read_recipe(path)
    differing = [key for key in recipe if stored.get(key) != recipe[key]]
    if differing:
        texts = "; ".join(f"{key} {stored.get(key)}, not {recipe[key]}" for key in differing)
        raise DataError(
            f"{target}: holds phantoms made with other parameters: {texts}",
            "remove that folder, or name another one",
        )
    missing = [name for name in files if not (target / name).is_file()]
    if missing:
        raise DataError(
            f"{target}: {len(missing)} files of the phantoms are missing, {missing[0]} among them",
            "remove that folder, so that it is made again",
        )
    return True


def _read_recipe(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error})", "remove that folder") from error
    return stored if isinstance(stored, dict) else {}


def _put_in_place(new: Path, target: Path, recipe: Mapping[str, Any], files: list[str]) -> None:
    try:
        os.rename(new, target)
    except OSError:
        # Another process may have written the same data set.
        if not _is_there(target, recipe, files):
            raise
