"""The structures that a task segments: value, name, colour and code of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lamina.errors import ConfigError

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Label:
    """One structure: ``value`` is its class index, in the network's output and in label images.

    ``code`` is the structure's SNOMED CT code (value and meaning), which DICOM SEG needs.
    """

    value: int
    name: str
    color: Colour
    code: Mapping[str, str] | None = None


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
    return Label(int(entry["value"]), str(entry["name"]), (red, green, blue), entry.get("code"))
