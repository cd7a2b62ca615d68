"""What a plan calls its task and its structures, and how it writes them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lamina.files import read_json


def class_names(root: Path, values: Sequence[int]) -> dict[int, str]:
    """Return a name for each value: from ``dataset.json``, else "structure 1" and so on.

    The Decathlon writes {"1": "Anterior"}, nnU-Net {"Anterior": 1}.

    Examples
    --------
    >>> class_names(Path("/nowhere"), [1, 128])
    {1: 'structure 1', 128: 'structure 128'}
    """
    known = _from_dataset(root / "dataset.json")
    names = {value: known.get(value, f"structure {value}") for value in values}
    # Each needs a name of its own.
    return {
        value: name if list(names.values()).count(name) == 1 else f"{name} {value}"
        for value, name in names.items()
    }


def _from_dataset(path: Path) -> dict[int, str]:
    if not path.is_file():
        return {}
    labels = read_json(path).get("labels")
    found: dict[int, str] = {}
    for key, value in (labels or {}).items():
        number, name = (key, value) if str(key).isdigit() else (value, key)
        if str(number).isdigit() and str(name).strip():
            found[int(number)] = str(name)
    return found


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
