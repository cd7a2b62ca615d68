"""Which structures each slice of a prediction holds."""

from pathlib import Path
from typing import Any

import numpy as np

from lamina.files import write_table
from lamina.output.predicted_case import PredictedCase


def slice_presence(case: PredictedCase, least: int) -> list[dict[str, Any]]:
    """Return a row for each slice along the last axis: 1 for each structure of ``least`` voxels.

    A picture is one slice.

    Examples
    --------
    >>> from lamina.tasks import Label
    >>> labels = (Label(0, "background", (0, 0, 0)), Label(1, "cyst", (0, 0, 255)))
    >>> label = np.zeros((4, 5, 2), dtype=np.uint8)
    >>> label[:2, :2, 1] = 1
    >>> case = PredictedCase("a", "a.nii", label[None], label, np.eye(4), True, labels)
    >>> slice_presence(case, least=3)
    [{'slice': 0, 'cyst': 0}, {'slice': 1, 'cyst': 1}]
    """
    volume = np.atleast_3d(case.label)
    counts = {one.name: (volume == one.value).sum(axis=(0, 1)) for one in case.labels[1:]}
    return [
        {"slice": number} | {name: int(count[number] >= least) for name, count in counts.items()}
        for number in range(volume.shape[2])
    ]


def write_presence(case: PredictedCase, least: int, folder: Path) -> Path:
    """Write ``NAME.csv`` with what `slice_presence` returns; return its path."""
    rows = slice_presence(case, least)
    path = folder / f"{case.name}.csv"
    write_table(path, list(rows[0]), rows)
    return path
