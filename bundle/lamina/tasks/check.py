"""Mistakes in a config or a task file, found before time is lost."""

import difflib
import inspect
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pydoc import locate
from typing import Any

from monai.bundle import ComponentLocator

from lamina.errors import ConfigError
from lamina.tasks.check_network import network_problems
from lamina.tasks.check_values import value_problems
from lamina.tasks.running_config import command_line_ids

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
    unknown = [*_unknown_ids(), *_task_keys(config.get("task")), *_unknown_arguments(config)]
    values = [*value_problems(config), *_measure_problems(config)]
    wrong = [*unknown, *values]
    # A network is tried where nothing else can be the reason that it fails.
    wrong = wrong or ([] if _tried_before(config) else list(network_problems(config)))
    if wrong:
        raise ConfigError(
            "\n".join(wrong),
            "correct it; ids stand in the config file, "
            "and `lamina COMMAND --help` lists the usual ones",
        )


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


def _task_keys(task: Any) -> Iterator[str]:
    if not isinstance(task, Mapping):
        return
    for name in task:
        if name not in TASK_KEYS and not name.startswith("_desc"):
            yield f"nothing knows the task's key {name!r}{nearest(name, TASK_KEYS)}"
    for name, meaning in TASK_KEYS.items():
        if name not in task and name not in OPTIONAL_TASK_KEYS:
            yield f"the task lacks {name!r}: {meaning}"


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
    if target is None:
        yield f"{path}: there is no {node['_target_']!r}"
        return
    taken = inspect.signature(target).parameters
    if any(taken[name].kind is inspect.Parameter.VAR_KEYWORD for name in taken):
        return
    for name in node:
        if name not in taken and name not in COMPONENT_KEYS:
            yield f"{path}: {node['_target_']} takes no {name!r}{nearest(name, taken)}"


def find_target(name: str) -> Any:
    """Return what MONAI makes of a ``_target_``, None if there is no such thing.

    >>> find_target("UNet").__name__, find_target("torch.optim.AdamW").__name__, find_target("Nett")
    ('UNet', 'AdamW', None)
    """
    found = _locator().get_component_module_name(name)
    if isinstance(found, list):
        found = found[0]
    return locate(f"{found}.{name}") if found else locate(name)


@cache
def _locator() -> ComponentLocator:
    """Return what knows the names of all of MONAI, which takes long to list."""
    return ComponentLocator()


def nearest(name: str, known: Collection[str]) -> str:
    """Return a hint at the nearest known name, empty if none is near.

    >>> nearest("epochz", ["lr", "epochs"])
    " (did you mean 'epochs'?)"
    """
    near = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


TASK_KEYS = {
    "name": "the task's name, as its file is called",
    "title": "one line for people",
    "spatial_dims": "2 or 3, where nothing else is asked for",
    "in_channels": "channels of an image",
    "labels": "value, name and colour of each class",
    "label_values": "what stands for a class in the label files; null where they hold the class",
    "phantoms": "what makes the task's own data; null where it has none",
    "fractions": "shares of training, validation and test",
    "spacing": "voxel size in mm that images are resampled to",
    "preprocessing": "from a file to the network's input",
    "patch_size": "voxels of a training patch",
    "window_size": "voxels of a window at inference",
    "patches_per_case": "patches of each case in an epoch",
    "augmentation": "what a batch goes through in training",
    "network_def": "the network",
    "strides": "of the network, where they differ between 2D and 3D",
    "loss": "the loss",
    "epochs": "length of the training",
    "lr": "largest learning rate",
    "batch_size": "patches of a step",
    "val_interval": "epochs from one validation to the next",
    "postprocessing": "what is done to a label map behind the network",
    "formats": "what a prediction is written as, where not the source decides",
    "measure": "what an evaluation measures",
    "citation": "where the data come from",
    "licence": "of the data",
}

OPTIONAL_TASK_KEYS = {"spacing", "strides", "postprocessing", "formats", "citation", "licence"}
