"""The classes of a task: value, name, colour, code, and which side of the body."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lamina.errors import ConfigError

Colour = tuple[int, int, int]


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
    """Return the labels of a task, background first.

    Raises
    ------
    ConfigError
        If the values are not 0, 1, 2 …, or a name or colour is missing or stands twice.

    Examples
    --------
    >>> [x.name for x in read_labels([
    ...     {"value": 0, "name": "background", "color": [0, 0, 0]},
    ...     {"value": 1, "name": "lung", "color": [0, 120, 255]},
    ... ])]
    ['background', 'lung']
    """
    labels = [_read_label(entry) for entry in entries]
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


def _read_label(entry: Mapping[str, Any]) -> Label:
    missing = {"value", "name", "color"} - set(entry)
    if missing:
        raise ConfigError(
            f"task#labels: {dict(entry)} lacks {', '.join(sorted(missing))}",
            'write {"value": 1, "name": "lung", "color": [0, 120, 255]}',
        )
    color = entry["color"]
    if len(color) != 3 or not all(isinstance(part, int) and 0 <= part <= 255 for part in color):
        raise ConfigError(
            f"task#labels: {entry['name']!r} has the colour {color}",
            "write three whole numbers from 0 to 255: red, green, blue",
        )
    if not str(entry["name"]).strip():
        raise ConfigError(f"task#labels: value {entry['value']} has no name", "give it one")
    red, green, blue = color
    code = entry.get("code")
    for part in _codes_in(code or {}):
        _require_code(part, entry["name"])
    return Label(int(entry["value"]), str(entry["name"]), (red, green, blue), code)


def _codes_in(code: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    further = [code[key] for key in ("category", "modifier") if key in code]
    return [code, *further] if code else []


def _require_code(code: Mapping[str, Any], name: str) -> None:
    missing = [key for key in ("value", "scheme", "meaning") if not code.get(key)]
    if missing:
        raise ConfigError(
            f"task#labels: the code of {name!r} lacks {', '.join(missing)}",
            'write {"value": "39607008", "scheme": "SCT", "meaning": "Lung"}',
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
