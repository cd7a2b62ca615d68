"""Read every file of folders as `lamina predict` does, and print what became of each as a table.

    python scripts/table_of_inputs.py ~/scans ~/more_scans > table.md

Every file must be read, or refused with a reason. Anything else that is raised is a fault of
Lamina: it is printed by its file, and the status is 1.
"""

import logging
import re
import sys
from collections import defaultdict
from pathlib import Path

from lamina.cases.inputs import find_inputs
from lamina.errors import LaminaError
from lamina.readers.dicom_file import is_dicom, read_header
from lamina.readers.formats import suffix_of
from lamina.readers.images import read_image
from lamina.readers.source import Source

Row = tuple[str, str]


def main(folders: list[str]) -> int:
    """Print the table; return the exit status."""
    logging.getLogger("lamina").setLevel(logging.CRITICAL)
    rows: defaultdict[Row, set[str]] = defaultdict(set)
    faults = []
    for folder in folders:
        found = find_inputs(folder)
        for case in found.cases:
            outcome = _read(str(case.image))
            if outcome.startswith("FAULT"):
                faults.append(f"{case.image}: {outcome}")
            files = _files(Source.of(case.image))
            rows[_kind(files[0]), outcome] |= set(map(str, files))
        for path, reason in [*found.broken, *found.skipped]:
            rows[_kind(Path(path)), f"refused: {_short(reason, path)}"].add(path)
    print("| files | what they are | what becomes of them |\n|---|---|---|")
    for (kind, outcome), paths in sorted(rows.items()):
        print(f"| {len(paths)} | {kind} | {outcome} |")
    print(f"\n{len(set().union(*rows.values()))} files.")
    print("\n".join(faults), file=sys.stderr)
    return int(bool(faults))


def _read(address: str) -> str:
    try:
        read_image(address)
    except LaminaError as error:
        return f"refused: {_short(str(error), address)}"
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return f"FAULT {type(error).__name__}: {error}"
    return "read"


def _files(source: Source) -> tuple[Path, ...]:
    try:
        return source.files
    except LaminaError:
        return (source.path,)


def _kind(path: Path) -> str:
    """Return the class of a DICOM object and how its pixels are stored, else the suffix."""
    try:
        if not is_dicom(path):
            return suffix_of(path) or f"{path.suffix.lower() or 'no suffix'}"
        header = read_header(path, "SOPClassUID")
        names = [header.get("SOPClassUID"), header.file_meta.get("TransferSyntaxUID")]
        shown = [getattr(uid, "name", "") or "not named" for uid in names]
        return f"DICOM {shown[0].removesuffix(' Storage')}, {shown[1]}"
    except LaminaError:
        return "DICOM, broken"


def _short(reason: str, address: str) -> str:
    """Return a reason without what differs from file to file."""
    first = reason.splitlines()[0].removeprefix(f"{address}: ")
    first = re.sub(r"(/\S+/)[^/\s]*", "…", first)
    return re.sub(r"\d[\d.,×]*", "N", first).replace("|", "/")[:110]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
