"""What a report tells of the data and the settings behind its numbers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def run_information(
    task: Mapping[str, Any], *, dataset_dir: str, split: str, weights: str | Path, cases: int
) -> dict[str, dict[str, Any]]:
    """Return the sections of a report on one evaluation.

    >>> run_information(
    ...     {"title": "Lungs", "name": "lung"}, dataset_dir="d", split="test", weights="m", cases=3
    ... )["Data"]["split"]
    'test'
    """
    data = {"task": task["name"], "folder": str(dataset_dir), "split": split, "cases": cases}
    about = {key: task[key] for key in ("citation", "licence") if task.get(key)}
    return {"Data": data | about, "Model": {"weights": str(weights)}}
