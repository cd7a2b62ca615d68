"""Task files as people like to read and change them: what fits a line stands on one."""

import json
import os
import textwrap
from pathlib import Path
from typing import Any

from lamina.files import written_whole
from lamina.tasks.schema import SCHEMA

WIDTH = 100


def write_task(path: Path, task: dict[str, Any]) -> None:
    """Write a task file, whole or not at all, which names its schema for editors."""
    schema = Path(os.path.relpath(SCHEMA, path.resolve().parent)).as_posix()
    content = {"$schema": schema} | {key: task[key] for key in task if key != "$schema"}
    with written_whole(path) as part:
        part.write_text(compact_json(content), encoding="utf-8")


def compact_json(value: Any) -> str:
    """Return JSON in which short lists and objects stand on one line, long lists fill theirs.

    Examples
    --------
    >>> print(compact_json({"patch_size": {"3": [32, 48, 32]}, "lr": 0.003}))
    {
      "patch_size": {"3": [32, 48, 32]},
      "lr": 0.003
    }
    <BLANKLINE>
    """
    return _text(value, "", WIDTH) + "\n"


def _text(value: Any, indent: str, used: int) -> str:
    """Return JSON that begins behind ``used`` characters of a line."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or used + len(flat) < WIDTH:
        return flat
    deeper = indent + "  "
    if isinstance(value, dict):
        keys = [f"{json.dumps(str(key), ensure_ascii=False)}: " for key in value]
        pairs = zip(keys, value.values(), strict=True)
        parts = [key + _text(part, deeper, len(deeper + key)) for key, part in pairs]
        return "{\n" + ",\n".join(deeper + part for part in parts) + f"\n{indent}}}"
    if any(isinstance(part, dict | list) or " " in str(part) for part in value):
        lines = ",\n".join(deeper + _text(part, deeper, len(deeper)) for part in value)
    else:
        lines = textwrap.fill(
            flat[1:-1],
            WIDTH,
            initial_indent=deeper,
            subsequent_indent=deeper,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return f"[\n{lines}\n{indent}]"
