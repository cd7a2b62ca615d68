"""A task file as text that people read and edit: short lists on one line."""

import json
from typing import Any

WIDTH = 100


def task_text(value: Any, indent: str = "") -> str:
    """Return JSON in which what fits a line stands on one.

    Examples
    --------
    >>> print(task_text({"patch_size": {"3": [32, 48, 32]}, "lr": 0.003}, ""))
    {
      "patch_size": {"3": [32, 48, 32]},
      "lr": 0.003
    }
    <BLANKLINE>
    """
    return _text(value, indent, top=True) + "\n"


def _text(value: Any, indent: str, top: bool = False) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or (not top and len(indent) + len(flat) <= WIDTH - 20):
        return flat
    deeper = indent + "  "
    if isinstance(value, dict):
        parts = [
            f"{deeper}{json.dumps(key, ensure_ascii=False)}: {_text(one, deeper)}"
            for key, one in value.items()
        ]
        return "{\n" + ",\n".join(parts) + f"\n{indent}}}"
    return "[\n" + ",\n".join(deeper + _text(one, deeper) for one in value) + f"\n{indent}]"
