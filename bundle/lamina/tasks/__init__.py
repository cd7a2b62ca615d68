"""What is segmented and how: the task files of ``configs/tasks``."""

from lamina.tasks.dimensions import for_dims
from lamina.tasks.labels import Label, read_labels

__all__ = ["Label", "for_dims", "read_labels"]
