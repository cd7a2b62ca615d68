"""From the names of segments to the values of a task.

3D Slicer numbers the segments of a label that it submits by their order in its list, and sends
their names: so the names decide which values of a task they are. A label that comes without names
holds the values themselves.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import nrrd
import numpy as np
from numpy.typing import NDArray

from lamina.errors import DataError
from lamina.readers.label_values import distinct_values, format_codes
from lamina.tasks.labels import Label

Names = Mapping[int, str]
Labels = NDArray[np.integer]


def names_of(label_info: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """Return {value: name} of what a client tells about a label.

    >>> names_of([{"name": "posterior", "idx": 1}])
    {1: 'posterior'}
    """
    try:
        return {int(entry["idx"]): str(entry["name"]) for entry in label_info}
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"label_info {label_info!r}: expected a name and an idx of each segment",
            'send [{"name": "liver", "idx": 1}, …], as 3D Slicer does',
        ) from error


def names_in_nrrd(path: Path) -> dict[int, str]:
    """Return {value: name} of the segments that a ``.seg.nrrd`` of 3D Slicer describes.

    There a client's numbering says nothing: the file has its own.
    """
    header = nrrd.read_header(str(path))
    count = sum(bool(re.fullmatch(r"Segment\d+_ID", key)) for key in header)
    return {
        int(header[f"Segment{index}_LabelValue"]): str(header[f"Segment{index}_Name"])
        for index in range(count)
    }


def check_values(label: Labels, names: Names, tasks: Mapping[str, Sequence[Label]]) -> None:
    """Refuse a label with a value that no served task has, or a segment that none names.

    Raises
    ------
    DataError
        With what is known.
    """
    values = [int(value) for value in distinct_values(label) if value != 0]
    if not names:
        _check_plain(values, tasks)
        return
    known = {label.name for labels in tasks.values() for label in labels[1:]}
    nameless = [value for value in values if value not in names]
    unknown = sorted({names[value] for value in values if value in names} - known)
    if nameless or unknown:
        problem = (
            f"segments {', '.join(unknown)}" if unknown else f"values {nameless} without a name"
        )
        raise DataError(
            f"the label has {problem}, expected {', '.join(sorted(known))}",
            "name each segment as the task does",
        )


def _check_plain(values: Collection[int], tasks: Mapping[str, Sequence[Label]]) -> None:
    if any(max(values, default=0) < len(labels) for labels in tasks.values()):
        return
    known = "; ".join(f"{name}: 0 to {len(labels) - 1}" for name, labels in tasks.items())
    raise DataError(
        f"the label has the values {format_codes(np.array(sorted(values)))}, expected {known}",
        "submit class values, or the names of the segments",
    )


def fits(label: Labels, names: Names, labels: Sequence[Label]) -> bool:
    """Say whether a task can learn from a label: whether something in it is the task's.

    A label in which nothing is drawn says that the structures it names are absent.

    >>> task = [Label(0, "background", (0, 0, 0)), Label(1, "liver", (1, 0, 0))]
    >>> fits(np.array([[0, 2]]), {2: "liver"}, task), fits(np.array([[0, 2]]), {2: "lung"}, task)
    (True, False)
    """
    values = [int(value) for value in distinct_values(label) if value != 0]
    if not names:
        return max(values, default=0) < len(labels)
    own = {label.name for label in labels[1:]}
    present = (
        {names[value] for value in values if value in names} if values else set(names.values())
    )
    return bool(own & present)


def recode(label: Labels, names: Names, labels: Sequence[Label]) -> NDArray[np.uint16]:
    """Return a task's class values; what another task named becomes background.

    >>> task = [Label(0, "background", (0, 0, 0)), Label(1, "a", (1, 0, 0)), Label(2, "b", (2, 0, 0))]
    >>> recode(np.array([[0, 1, 5]]), {1: "b", 5: "lung"}, task).tolist()
    [[0, 2, 0]]
    """
    if not names:
        return label.astype(np.uint16)
    value_of = {label.name: label.value for label in labels[1:]}
    recoded = np.zeros(label.shape, np.uint16)
    for value, name in names.items():
        if name in value_of:
            recoded[label == value] = value_of[name]
    return recoded


def names_present(label: Labels, labels: Sequence[Label]) -> dict[str, int]:
    """Return the names and values of the structures that a result holds, in the task's order.

    3D Slicer gives the first name to the first value that it finds, so absent ones are left out.

    >>> task = [Label(0, "background", (0, 0, 0)), Label(1, "a", (1, 0, 0)), Label(2, "b", (2, 0, 0))]
    >>> names_present(np.array([0, 2]), task)
    {'b': 2}
    """
    values = set(distinct_values(label).tolist())
    return {label.name: label.value for label in labels[1:] if label.value in values}
