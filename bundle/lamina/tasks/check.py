"""Mistakes in a config or a task file, found before time is lost."""

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lamina.errors import ConfigError
from lamina.tasks.check_network import network_problems
from lamina.tasks.check_values import value_problems
from lamina.tasks.components import find_target, postprocessing_problems
from lamina.tasks.old_names import NEW_NAMES, old_name_problems
from lamina.tasks.running_config import command_line_ids
from lamina.tasks.schema import nearest, rules_problems, schema_problems

# What MONAI's runner takes beside ids of the config.
RUNNER_OPTIONS = {
    "run_id",
    "init_id",
    "final_id",
    "meta_file",
    "config_file",
    "logging_file",
    "tracking",
    "args_file",
    "workflow_name",
    "workflow_type",
    "properties_path",
}
NETWORK_IDS = {"network_def", "patch_size", "window_size", "spatial_dims"}
# What MONAI itself understands beside a component's arguments.
COMPONENT_KEYS = {"_target_", "_disabled_", "_requires_", "_desc_", "_mode_"}


def check_config(config: Mapping[str, Any]) -> None:
    """Refuse what can't be meant so, before any time is lost.

    That is an id on the command line, a task key or an argument that nothing knows; a number out
    of range, a metric that nothing computes, a folder that is not there; labels that are not
    numbered, named and coloured; a network that does not take the patches or give the classes.
    MONAI ignores an id on the command line that no config has, so that ``--epochz 9`` would train
    for the default number of epochs.

    Raises
    ------
    ConfigError
        All that is wrong, each with the nearest known name.

    Examples
    --------
    >>> check_config({"loss": {"_target_": "DiceLoss", "sigmod": True}})
    Traceback (most recent call last):
        ...
    lamina.errors.ConfigError: loss: DiceLoss takes no 'sigmod' (did you mean 'sigmoid'?)
      → correct it; ids stand in the config file, and `lamina COMMAND --help` lists the usual ones
    """
    unknown = [*_unknown_ids(), *_task_problems(config), *_unknown_arguments(config)]
    sound = _without_broken(config, unknown)
    wrong = [*unknown, *value_problems(sound), *_measure_problems(sound)]
    # A network is tried where nothing else can be the reason that it fails.
    wrong = wrong or ([] if _tried_before(config) else list(network_problems(config)))
    if wrong:
        raise ConfigError(
            "\n".join(wrong),
            "correct it; ids stand in the config file, "
            "and `lamina COMMAND --help` lists the usual ones",
        )


def _without_broken(config: Mapping[str, Any], problems: list[str]) -> Mapping[str, Any]:
    """Return the config without the task's keys that a problem names, which is enough of them."""
    if not isinstance(config.get("task"), Mapping):
        return config
    broken = {re.split("[#:]", text)[1] for text in problems if text.startswith("task#")}
    task = {name: value for name, value in config["task"].items() if name not in broken}
    return {**config, "task": task}


def _tried_before(config: Mapping[str, Any]) -> bool:
    """Say whether the network is a trained one, which was tried when its training began.

    Trying takes a second, since torch loads its compiler to run a network without data.
    """
    return "weights_file" in config and not command_line_ids()["given"] & NETWORK_IDS


def _measure_problems(config: Mapping[str, Any]) -> Iterator[str]:
    """Build what measures, which knows its own names."""
    task = config.get("task")
    measure = task.get("measure") if isinstance(task, Mapping) else None
    if not isinstance(measure, Mapping) or "_target_" not in measure:
        return
    target = find_target(str(measure["_target_"]))
    if not getattr(target, "__module__", "").startswith("lamina.metrics."):
        return  # nothing of the config runs before all of it was checked
    try:
        target(**{name: value for name, value in measure.items() if not name.startswith("_")})
    except ConfigError as error:
        yield "task#measure#" + str(error).replace("\n  → ", "; ")
    except TypeError:
        return  # an unknown argument, named above


def _unknown_ids() -> Iterator[str]:
    ids = command_line_ids()
    for name in sorted(ids["given"] - ids["known"] - RUNNER_OPTIONS):
        yield f"--{name}: no id of the config is called so{nearest(name, ids['known'])}"


def _task_problems(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a task and the rules of reading, wherever they stand."""
    yield from old_name_problems(config)
    if isinstance(config.get("task"), Mapping):
        yield from schema_problems(config["task"])
        yield from postprocessing_problems(
            config["task"].get("postprocessing"), "task#postprocessing"
        )
    if isinstance(config.get("series_rules"), Mapping):
        yield from rules_problems(config["series_rules"])


def _unknown_arguments(node: Any, path: str = "") -> Iterator[str]:
    """Name arguments of a ``_target_`` that it does not take."""
    if isinstance(node, Mapping):
        if isinstance(node.get("_target_"), str):
            yield from _wrong_component(node, path)
        for name, value in node.items():
            yield from _unknown_arguments(value, f"{path}#{name}" if path else str(name))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _unknown_arguments(value, f"{path}#{index}")


def _wrong_component(node: Mapping[str, Any], path: str) -> Iterator[str]:
    target = find_target(node["_target_"])
    if target is None and node["_target_"] in NEW_NAMES:
        return  # named by old_name_problems
    if target is None:
        yield f"{path}: there is no {node['_target_']!r}"
        return
    taken = inspect.signature(target).parameters
    if any(taken[name].kind is inspect.Parameter.VAR_KEYWORD for name in taken):
        return
    for name in node:
        if name not in taken and name not in COMPONENT_KEYS:
            yield f"{path}: {node['_target_']} takes no {name!r}{nearest(name, taken)}"
