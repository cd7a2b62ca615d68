"""What is segmented and how: the task files of ``configs/tasks``."""

from lamina.tasks.dimensions import for_dims
from lamina.tasks.labels import Label, read_labels
from lamina.tasks.workflow import current_config

__all__ = ["Label", "current_config", "for_dims", "read_labels"]
