"""The workflow that is running: its config, and what the command line asked for.

MONAI gives an expression no access to the parser that evaluates it, and ``sys.argv`` is not the
workflow's where it is made from Python (``ConfigWorkflow``, MONAI Label): so both are looked up
among the callers.
"""

import copy
import hashlib
import inspect
import json
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

from lamina.errors import ConfigError


def current_config() -> dict[str, Any]:
    """Return the config whose expression is being evaluated, macros resolved, overrides included.

    Raises
    ------
    ConfigError
        If no MONAI workflow calls.
    """
    from monai.bundle import ConfigParser

    for frame in _callers():
        owner = frame.f_locals.get("self")
        if isinstance(owner, ConfigParser):
            return copy.deepcopy(owner.get())
    raise ConfigError("no MONAI config is being evaluated", "call this from a config's expression")


def optional(*keys: str, default: Any = None) -> Any:
    """Return what the running task holds under a key that it may lack, keys of keys in order.

    Raises
    ------
    ConfigError
        If no MONAI workflow calls.
    """
    value: Any = current_config().get("task")
    for key in keys:
        value = value.get(key, default) if isinstance(value, Mapping) else default
    return value


def synthetic_data() -> Any:
    """Return the folder of the running task's phantoms, which are made if they are not there.

    A reference to them would make them even where an expression does not use it.

    Raises
    ------
    ConfigError
        If no MONAI workflow calls.
    """
    from monai.bundle import ConfigParser

    return ConfigParser(current_config()).get_parsed_content("task#phantoms")


def config_hash(content: Any) -> str:
    """Return a hash of a part of a config: the same for the same settings in any order.

    >>> config_hash({"a": 1, "b": 2}) == config_hash({"b": 2, "a": 1})
    True
    """
    text = json.dumps(content, sort_keys=True, default=str).replace("::", "#")
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def command_line_ids() -> dict[str, set[str]]:
    """Return the top-level ids that the runner was given, and those that its config files have.

    Returns
    -------
    ``{"given": …, "known": …}``; both are empty where no runner calls, but Python.
    """
    from monai.bundle import ConfigParser

    for frame in _callers():
        if frame.f_code.co_name == "create_workflow" and "_args" in frame.f_locals:
            files = frame.f_locals["config_file"]
            known = set(ConfigParser.load_config_files(files)) if files else set()
            given = {name.replace("::", "#").split("#")[0] for name in frame.f_locals["_args"]}
            return {"given": given, "known": known}
    return {"given": set(), "known": set()}


def _callers() -> Iterator[FrameType]:
    frame = inspect.currentframe()
    while frame is not None:
        yield frame
        frame = frame.f_back
