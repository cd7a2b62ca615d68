"""The text at the head of NRRD and MetaImage files, and the file that holds their data."""

import re
from pathlib import Path

from lamina.errors import ReadError

_HEADER_BYTES = 65536
_DATA_FILE = re.compile(
    rb"^(?:ElementDataFile\s*=|data ?file:)\s*(.+?)\s*$", re.MULTILINE | re.IGNORECASE
)


def read_header(path: Path) -> bytes:
    """Return the header without the data that may follow it."""
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    # MetaImage's header ends with the line that names the data, NRRD's with an empty line.
    end = _DATA_FILE.search(head)
    return head[: end.end()] if end and not head.startswith(b"NRRD") else head.split(b"\n\n")[0]


def data_file(path: Path) -> Path | None:
    """Return the file beside a header that holds its data; None where the data follows it.

    Raises
    ------
    ReadError
        If the data is said to lie in another folder or in several files, or is missing.
    """
    match = _DATA_FILE.search(read_header(path))
    name = match.group(1).decode("utf-8", "replace") if match else "LOCAL"
    if name.upper() == "LOCAL":
        return None
    if Path(name).name != name or name.upper().startswith("LIST") or "%" in name:
        raise ReadError(
            f"{path}: its data is said to lie in {name!r}, expected one file beside it",
            "put the data file beside the header and name it there without a folder",
        )
    if not (path.parent / name).is_file():
        raise ReadError(f"{path}: its data file {name!r} is missing", "copy it beside the header")
    return path.parent / name
