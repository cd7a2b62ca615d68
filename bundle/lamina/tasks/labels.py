"""The classes of a task: value, name, colour, code, and which side of the body."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lamina.errors import ConfigError
from lamina.tasks.config_text import escape_text, is_live, unescape_text
from lamina.tasks.schema import labels_problems

Colour = tuple[int, int, int]
IGNORED = -1
"""Class value of voxels that nobody annotated: neither learned nor counted."""
IGNORE = "ignore"
"""What a task's ``label_values`` write for it, since a file may hold -1 for something else."""


def class_value(value: int | str) -> int:
    """Return the class that a task's ``label_values`` name for a code.

    >>> class_value(2), class_value("ignore")
    (2, -1)
    """
    return IGNORED if value == IGNORE else int(value)


def is_ignoring(values: Mapping[str, int | str] | None) -> bool:
    """Say whether a task's ``label_values`` leave something out.

    >>> is_ignoring({"0": 0, "255": "ignore"}), is_ignoring(None)
    (True, False)
    """
    return IGNORE in (values or {}).values()


def with_ignore(
    values: Mapping[str, int | str] | None, code: int, labels: Sequence["Label"] | None
) -> dict[str, int | str]:
    """Return a task's ``label_values`` where one code is ignored.

    Raises
    ------
    ConfigError
        If there are neither values nor labels, of which the others could be known.

    Examples
    --------
    >>> with_ignore({"0": 0, "1": 1}, 255, None)
    {'0': 0, '1': 1, '255': 'ignore'}
    """
    if values is None and labels is None:
        raise ConfigError(
            f"--ignore {code}: without a task, nothing is learned or counted",
            "add --task, or plan one: lamina plan DIR --ignore N",
        )
    known = {str(label.value): label.value for label in labels or ()} if values is None else values
    return {**known, str(code): IGNORE}


@dataclass(frozen=True)
class Label:
    """One structure: ``value`` is its class index, in the network's output and in label images.

    ``code`` says in DICOM SEG what the structure is: its "value", "scheme" (SCT for SNOMED CT) and
    "meaning" and, where they are needed, a "category" other than Anatomical Structure and a
    "modifier" such as Anterior, coded alike.
    """

    value: int
    name: str
    color: Colour
    code: Mapping[str, Any] | None = field(default=None, hash=False)


def read_labels(entries: Sequence[Mapping[str, Any]]) -> list[Label]:
    """Return the labels of a task, background first, names as people know them.

    Raises
    ------
    ConfigError
        If an entry is not as the schema of tasks has it, the values are not 0, 1, 2 …, or a name
        stands twice.

    Examples
    --------
    >>> [x.name for x in read_labels([
    ...     {"value": 0, "name": "background", "color": [0, 0, 0]},
    ...     {"value": 1, "name": "lung", "color": [0, 120, 255]},
    ... ])]
    ['background', 'lung']
    """
    problems = [*labels_problems(list(entries)), *live_names(entries)]
    if problems:
        raise ConfigError("\n".join(problems), "correct the task file")
    labels = [
        Label(
            entry["value"], unescape_text(entry["name"]), tuple(entry["color"]), entry.get("code")
        )
        for entry in entries
    ]
    values = [label.value for label in labels]
    if values != list(range(len(values))):
        raise ConfigError(
            f"task#labels: values {values}, expected {list(range(len(values)))}",
            "number the labels without gaps from 0, which is the background",
        )
    names = [label.name for label in labels]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ConfigError(f"task#labels: {sorted(twice)} stands twice", "give each its own name")
    return labels


def live_names(entries: Any) -> Iterator[str]:
    r"""Yield what is wrong with names that MONAI's parser would run or replace.

    >>> print(*live_names([{"name": "$x"}]))
    task#labels#0#name: '$x' is a program for MONAI, expected a name: write "\\u0024x"
    """
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        name = entry.get("name") if isinstance(entry, Mapping) else None
        if isinstance(name, str) and is_live(name):
            yield (
                f"task#labels#{index}#name: {name!r} is a program for MONAI, expected a name: "
                f"write {json.dumps(escape_text(name))}"
            )


WORDS = re.compile(
    r"\b(left|right|links?|rechts?|sinist(er|ra)|dext(er|ra)|gauche|droite?|[lr])\b", re.IGNORECASE
)


def named_side(names: Iterable[str]) -> str | None:
    """Return the first name that says left or right, None if none does.

    >>> named_side(["background", "lung_left"]), named_side(["bright spot", "lung"])
    ('lung_left', None)
    """
    return next((name for name in names if WORDS.search(name.replace("_", " "))), None)
