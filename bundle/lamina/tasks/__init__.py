"""What is segmented and how: the task files of ``configs/tasks``, and checks of configs."""

from typing import TYPE_CHECKING, Any

from lamina.tasks.dimensions import for_dims
from lamina.tasks.labels import Label, read_labels
from lamina.tasks.running_config import config_hash, current_config, optional, synthetic_data

if TYPE_CHECKING:
    from lamina.tasks.check import check_config

__all__ = [
    "Label",
    "check_config",
    "config_hash",
    "current_config",
    "for_dims",
    "optional",
    "read_labels",
    "synthetic_data",
]


def __getattr__(name: str) -> Any:
    """Import the check when it is asked for: it needs MONAI, which takes seconds; labels do not."""
    if name != "check_config":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lamina.tasks.check import check_config

    return check_config
