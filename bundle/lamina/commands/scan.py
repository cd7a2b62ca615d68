"""``lamina scan``: what a folder holds, and what can be segmented."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lamina.commands.workflow import add_command
from lamina.temporary import temporary_folder

_COLUMNS = ("name", "kind", "modality", "date", "description", "size", "spacing", "plane", "files")


def add(commands: Any) -> None:
    """Register the command."""
    parser = add_command(
        commands,
        "scan",
        "list the images of a folder of any depth, and what else lies there; the exit status is 1 if "
        "none can be used",
        _scan,
        "lamina scan ~/from_the_pacs --json > found.json",
    )
    parser.add_argument("folder", metavar="FOLDER|FILE|ZIP", help="what to search")
    parser.add_argument(
        "--json", action="store_true", help="print everything that is known, as JSON"
    )


def _scan(options: argparse.Namespace) -> int:
    from lamina.zips import unpacked

    with temporary_folder() as room:
        usable = _tell(unpacked(Path(options.folder).expanduser(), room), options.json)
    return 0 if usable else 1


def _tell(root: Path, as_json: bool) -> int:
    """Print what a folder holds; return how many of its images can be used."""
    from lamina.cases.inputs import find_inputs
    from lamina.cases.scan import scan_cases

    inputs = find_inputs(root)
    cases = scan_cases(inputs.cases)
    left_out = [*inputs.broken, *inputs.skipped]
    usable = [one for one in cases if not one.problem]
    if as_json:
        others = [{"path": path, "reason": why} for path, why in left_out]
        print(json.dumps({"cases": [c.as_json() for c in cases], "left_out": others}, indent=2))
        return len(usable)
    rows = [[_cell(one, name) for name in _COLUMNS] for one in usable]
    print(table([name.upper() for name in _COLUMNS], rows))
    problems = [(one.address, one.problem) for one in cases if one.problem]
    for title, listed in (("can't be used", problems), ("left out", left_out)):
        if listed:
            print(f"\n{title}: {len(listed)}")
        for path, why in listed:
            reason = " ".join(why.removeprefix(f"{path}: ").split())
            print(f"- {path.removeprefix(f'{root}/')}: {reason}")
    files = {file for one in usable for file in one.files}
    print(
        f"\n{len(usable)} image(s) of {len(files)} file(s); {len(problems) + len(left_out)} not used"
    )
    return len(usable)


def _cell(one: Any, name: str) -> str:
    value = getattr(one, name)
    return str(len(value)) if name == "files" else value or "-"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows in columns that are as wide as they need to be.

    >>> print(table(["A", "B"], [["long", "1"]]))
    A     B
    long  1
    """
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [head, *rows]
    ]
    return "\n".join(lines)
