"""The config of the workflow that is running, as files and command line made it."""

import copy
import inspect
from types import FrameType
from typing import Any

from monai.bundle import ConfigParser

from lamina.errors import ConfigError


def current_config() -> dict[str, Any]:
    """Return the config whose expression is being evaluated, macros resolved, overrides included.

    MONAI gives an expression no access to the parser that evaluates it, and the command line is
    not known where a workflow is made from Python (``ConfigWorkflow``, MONAI Label): so the
    parser is looked up among the callers.

    Raises
    ------
    ConfigError
        If no MONAI workflow calls.
    """
    frame: FrameType | None = inspect.currentframe()
    while frame is not None:
        owner = frame.f_locals.get("self")
        if isinstance(owner, ConfigParser):
            return copy.deepcopy(owner.get())
        frame = frame.f_back
    raise ConfigError("no MONAI config is being evaluated", "call this from a config's expression")
