"""What is segmented and how: the task files of ``configs/tasks``, and checks of configs."""

from lamina.tasks.check import check_config
from lamina.tasks.dimensions import for_dims
from lamina.tasks.labels import Label, read_labels
from lamina.tasks.running_config import config_hash, current_config, optional, synthetic_data

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
