"""Files that are whole or absent, and tables and JSON that say what is wrong with them."""

import contextlib
import csv
import hashlib
import io
import json
import math
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from lamina.errors import NO_ROOM, DataError, ReadError, not_written, reading

_LONGEST_BYTES = 200
_SECONDS_OF_A_DAY = 86400


@contextlib.contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a name beside ``path`` to write to; rename it to ``path`` when all went well.

    Raises
    ------
    WriteError
        If there is no room or no permission; what ``path`` held before is still there.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with written_whole(Path(folder, "a.txt")) as part:
    ...         _ = part.write_text("all of it")
    ...     os.listdir(folder)
    ['a.txt']
    """
    path = Path(path)
    # The suffix stays last: libraries choose the format by it.
    end = os.fsencode(path.name)[-_LONGEST_BYTES:].decode(errors="ignore")
    part = path.with_name(f".part-{_machine()}-{os.getpid()}-{end}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise not_written(path, error) from error
    finally:
        part.unlink(missing_ok=True)


def remove_dead_parts(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder of any depth.

    What a living process writes stays. Of a process of another machine or container, whose
    number says nothing here, a file goes that nobody has written to for a day.
    """
    for parent, _, names in os.walk(folder):
        for name in names:
            if name.startswith(".part-") and _is_dead(part := Path(parent, name)):
                part.unlink(missing_ok=True)


def _is_dead(part: Path) -> bool:
    machine, number = (*part.name.split("-"), "", "")[1:3]
    if machine == _machine() and number.isdigit():
        return not psutil.pid_exists(int(number))
    try:
        return time.time() - part.stat().st_mtime > _SECONDS_OF_A_DAY
    except FileNotFoundError:  # it is whole by now
        return False


@cache
def _machine() -> str:
    """Return what stands for the processes whose numbers this one sees: machine and namespace."""
    names = [socket.gethostname()]
    for path in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        with contextlib.suppress(OSError):
            names.append(os.readlink(path) if path.endswith("pid") else Path(path).read_text())
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:8]


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write text in UTF-8, whole or not at all.

    File names need not be UTF-8: their other bytes are written as JSON has them, ``\\udce9``.
    """
    with written_whole(path) as part:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write JSON, whole or not at all; NaN and infinity, which JSON does not have, are null."""
    text = json.dumps(
        without_nan(content), indent=2, default=str, ensure_ascii=False, allow_nan=False
    )
    write_text(path, text + "\n")


def without_nan(value: Any) -> Any:
    """Return a value as JSON has it: None for NaN and infinity, lists for tuples.

    >>> without_nan({"dice": math.nan, "sizes": (2.0, math.inf)})
    {'dice': None, 'sizes': [2.0, None]}
    """
    if isinstance(value, Mapping):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_table(
    path: str | os.PathLike[str], columns: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Write a CSV file, whole or not at all."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read JSON.

    Raises
    ------
    ReadError
        If the file is not JSON; names the file and the line.
    """
    with reading(path, "not JSON in UTF-8"):
        try:
            return json.loads(Path(path).read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise ReadError(
                f"{path}, line {error.lineno}: {error.msg}", "correct the file, or remove it"
            ) from error


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the lines of a CSV file by the columns of its first one.

    Commas divide the columns or, as spreadsheets of some countries write it, semicolons.

    Raises
    ------
    DataError
        If it is no text in UTF-8, or no CSV.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.csv")
    ...     _ = path.write_text("case;patient\\na;P1\\n")
    ...     read_csv(path)
    [{'case': 'a', 'patient': 'P1'}]
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        header = text.partition("\n")[0]
        delimiter = ";" if header.count(";") > header.count(",") else ","
        return list(csv.DictReader(text.splitlines(), delimiter=delimiter))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not CSV in UTF-8 ({error})", "save it as CSV, UTF-8") from error


def split_address(address: str | Path) -> tuple[Path, str | None]:
    """Return the file or folder of an address, and the part of it that is named behind a #.

    A file or folder that exists may have a # in its own name. MONAI writes ``::`` for it in the
    values of a config.

    >>> split_address("/data/study#1.2.840")[1], split_address("/data/a.png")[1]
    ('1.2.840', None)
    >>> split_address("/data/a.nii::t:2")[1]
    't:2'
    """
    path = Path(address)
    separator = "#" if "#" in path.name else "::"
    if os.path.exists(path) or separator not in path.name:
        return path, None
    folder, _, part = str(address).rpartition(separator)
    return Path(folder), part
