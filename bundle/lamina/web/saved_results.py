"""What `lamina predict` and `lamina evaluate` left in a folder.

A client names a folder and a file by what is listed here, never by a path of its own.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lamina.files import read_json
from lamina.web.descriptions import SavedResultState

_DEPTH = 4
_KINDS: dict[str, Literal["predictions", "report"]] = {
    "manifest.json": "predictions",
    "report.html": "report",
}


@dataclass(frozen=True)
class SavedResult:
    """A folder with predictions, or with the report of an evaluation."""

    key: str
    name: str
    kind: Literal["predictions", "report"]
    folder: Path


def find_saved_results(root: Path) -> list[SavedResult]:
    """Return what lies in a folder and up to four folders below it, the newest first."""
    results = [
        (
            path.stat().st_mtime,
            SavedResult(_key(path), _name(path, root), _KINDS[path.name], path.parent),
        )
        for path in _files(root)
    ]
    return [result for _, result in sorted(results, key=lambda pair: (-pair[0], pair[1].name))]


def _files(root: Path) -> Iterator[Path]:
    for folder, below, names in os.walk(root):
        depth = len(Path(folder).relative_to(root).parts)
        below[:] = sorted(name for name in below if name[0] != ".") if depth < _DEPTH else []
        yield from (Path(folder, name) for name in sorted(names) if name in _KINDS)


def _name(path: Path, root: Path) -> str:
    return str(path.parent.relative_to(root.parent))


def _key(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def describe_saved_result(result: SavedResult) -> SavedResultState:
    """Return what is known of a folder's cases, as the manifest has it.

    Raises
    ------
    ReadError
        If the manifest is broken.
    """
    if result.kind == "report":
        return {"about": {}, "cases": []}
    manifest = read_json(result.folder / "manifest.json")
    return {
        "about": manifest.get("about", {}),
        "cases": [
            {
                "case": str(case["case"]),
                "status": str(case["status"]),
                "reason": case.get("reason"),
                "warnings": case.get("warnings", []),
                "measurements": case.get("measurements", []),
                "files": case.get("outputs", []),
            }
            for case in manifest.get("cases", [])
        ],
    }


def saved_file(result: SavedResult, name: str) -> Path:
    """Return a file that a folder's manifest lists, or its report; raises ``KeyError``."""
    listed = {"report.html"} if result.kind == "report" else {"measurements.csv", "manifest.json"}
    listed |= {file for case in describe_saved_result(result)["cases"] for file in case["files"]}
    path = (result.folder / name).resolve()
    if name not in listed or not path.is_relative_to(result.folder.resolve()) or not path.is_file():
        raise KeyError(name)
    return path
