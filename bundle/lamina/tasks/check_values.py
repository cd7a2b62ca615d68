"""Numbers and names in a config that can't be meant so."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lamina.errors import ConfigError
from lamina.files import split_address
from lamina.tasks.dimensions import for_dims
from lamina.tasks.labels import IGNORE, read_labels

_AT_LEAST = {
    "epochs": 1,
    "batch_size": 1,
    "sw_batch_size": 1,
    "patches_per_case": 1,
    "val_interval": 1,
    "patience": 1,
    "bad_steps": 1,
    "num_workers": 0,
    "seed": 0,
    "cache_gb": 0,
}
_ABOVE_ZERO = ("lr", "clip_norm")
_WHOLE = set(_AT_LEAST) - {"cache_gb"}
_SIZES = ("patch_size", "window_size")


def value_of(config: Mapping[str, Any], name: str) -> Any:
    """Return what an id stands for: a value of its own, or the task's for the dimension.

    >>> value_of({"lr": "$lamina.tasks.for_dims(@task#lr, …)", "task": {"lr": 0.1}}, "lr")
    0.1
    """
    value, task = config.get(name), config.get("task", {})
    if not isinstance(value, str):
        return value
    value = value.replace("::", "#")  # MONAI writes ids so once it has read them
    if not value.startswith(("@task", "$")) or "@task#" not in value:
        return value
    key = value.split("@task#")[1].split(",")[0].split(")")[0]
    dims = name == "spatial_dims" or value_of(config, "spatial_dims")
    return for_dims(task.get(key), 2 if dims is True else dims or 2, key)


def value_problems(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with numbers, labels, sizes, splits and paths of a config.

    Each is one line that names the id, what it is and what was expected.
    """
    if isinstance(config.get("task"), Mapping):
        yield from label_problems(config["task"])
    dims = value_of(config, "spatial_dims")
    if dims not in (None, 2, 3):
        yield f"spatial_dims: {dims!r}, expected 2 or 3"
        return
    for check in (_numbers, _sizes, _fractions, _paths):
        try:
            yield from check(config)
        except ConfigError as error:
            yield _one_line(error)


def label_problems(task: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the labels of a task, and with what stands for them in files."""
    if "labels" not in task:
        return
    try:
        labels = read_labels(task["labels"])
    except ConfigError as error:
        yield _one_line(error)
        return
    values = task.get("label_values") or {}
    classes = {*range(len(labels)), IGNORE}
    strange = {name: value for name, value in values.items() if value not in classes}
    if strange:
        yield (
            f"task#label_values: {strange}, expected classes from 0 to {len(labels) - 1}, "
            f"as task#labels has them, or {IGNORE!r}"
        )


def _numbers(config: Mapping[str, Any]) -> Iterator[str]:
    for name, least in _AT_LEAST.items():
        value = value_of(config, name)
        if value is None or isinstance(value, str):
            continue
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not isinstance(value, int | float) or value < least or (name in _WHOLE and not whole):
            kind = "a whole number" if name in _WHOLE else "a number"
            yield f"{name}: {value!r}, expected {kind} from {least}"
    for name in _ABOVE_ZERO:
        value = value_of(config, name)
        if isinstance(value, int | float) and not value > 0:
            yield f"{name}: {value!r}, expected a number above 0"
    for name, low, high in (("overlap", 0, 1), ("smoothing", 0, 1)):
        value = value_of(config, name)
        if isinstance(value, int | float) and not low <= value < high:
            yield f"{name}: {value!r}, expected a number from {low} to below {high}"


def _sizes(config: Mapping[str, Any]) -> Iterator[str]:
    dims = value_of(config, "spatial_dims")
    for name in _SIZES:
        size = value_of(config, name)
        if size is None or isinstance(size, str):
            continue
        if not isinstance(size, Sequence) or len(size) != dims or min(size) < 1:
            example = "64,64" if dims == 2 else "64,64,32"
            yield f"{name}: {size!r}, expected {dims} sizes of at least 1 in {dims}D, as {example}"


def _fractions(config: Mapping[str, Any]) -> Iterator[str]:
    fractions = value_of(config, "fractions")
    if isinstance(fractions, Sequence) and not isinstance(fractions, str):
        wrong = len(fractions) != 3 or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6
        if wrong:
            yield (
                f"fractions: {list(fractions)}, expected fractions in training, validation and test "
                "that add up to 1, as [0.8, 0.1, 0.1]"
            )


def _paths(config: Mapping[str, Any]) -> Iterator[str]:
    for name in ("dataset_dir", "input_dir"):
        path = config.get(name)
        if not isinstance(path, str) or path.startswith(("@", "$")):
            continue
        if not split_address(path)[0].exists():
            yield f"{name}: {path}: no such folder"
    weights = str(config.get("weights") or "released")
    if not weights.startswith(("@", "$")) and not Path(weights).is_file():
        for part in weights.split(","):
            if part != "released" and not Path(part).is_file():
                yield f"weights: {part}: there are no weights"


def _one_line(error: ConfigError) -> str:
    return str(error).replace("\n  → ", "; ")
