"""Whether a task says what its JSON schema asks for; editors complete task files by the same one."""

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from lamina.files import read_json

SCHEMA = Path(__file__).with_name("task_schema.json")


@cache
def task_schema() -> dict[str, Any]:
    """Return the schema of task files."""
    schema: dict[str, Any] = read_json(SCHEMA)
    return schema


def schema_problems(task: Any) -> Iterator[str]:
    """Yield what is wrong with a task's keys and the form of their values, a line each.

    >>> list(schema_problems({"name": "a", "epoch": 3}))[-1]
    "nothing knows the task's key 'epoch' (did you mean 'epochs'?)"
    """
    return _problems(task, task_schema(), "task")


def rules_problems(rules: Any) -> Iterator[str]:
    """Yield what is wrong with a workflow's ``series_rules``.

    >>> list(rules_problems({"tilt": "maybe"}))
    ["series_rules#tilt: 'maybe', expected accept or refuse"]
    """
    return _problems(rules, _part("series_rules"), "series_rules")


def labels_problems(labels: Any) -> Iterator[str]:
    """Yield what is wrong with the form of a task's labels, each by itself.

    >>> list(labels_problems([{"value": 0, "name": "lung", "color": [0, 256]}]))
    ['task#labels#0#color (lung): [0, 256], expected three whole numbers from 0 to 255: red, green, blue']
    """
    return _problems(labels, _part("labels"), "task#labels")


def _part(name: str) -> dict[str, Any]:
    return {"$defs": task_schema()["$defs"], "$ref": f"#/$defs/{name}"}


def _problems(value: Any, schema: Mapping[str, Any], name: str) -> Iterator[str]:
    from jsonschema import Draft202012Validator

    for error in Draft202012Validator(schema).iter_errors(value):
        path = "#".join([name, *map(str, error.absolute_path)])
        known = error.schema.get("properties", {})
        if error.validator == "additionalProperties":
            for key in error.instance:
                if key not in known and not key.startswith("_desc"):
                    where = "the task" if path == "task" else path
                    yield f"nothing knows {where}'s key {key!r}{nearest(key, known)}"
        elif error.validator == "required" and path == "task":
            key = error.message.split("'")[1]
            yield f"the task lacks {key!r}: {known[key]['description']}"
        else:
            lacks = f" lacks {error.message.split()[0]}" if error.validator == "required" else ""
            expected = error.schema.get("description", error.message)
            name_of = _name_of(value, error.absolute_path)
            yield f"{path}{name_of}: {error.instance!r}{lacks}, expected {expected}"


def _name_of(value: Any, path: Iterable[str | int]) -> str:
    """Return the name of what lies on a path into a task, a label's, in brackets."""
    for key in path:
        value = value[key]
        if isinstance(value, Mapping) and str(value.get("name", "")).strip():
            return f" ({value['name']})"
    return ""


def nearest(name: str, known: Collection[str]) -> str:
    """Return a hint at the nearest known name, empty if none is near.

    >>> nearest("epochz", ["lr", "epochs"])
    " (did you mean 'epochs'?)"
    """
    near = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
