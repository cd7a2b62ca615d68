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

from lamina.errors import NO_ROOM, DataError, ReadError, WeightsError, not_written, reading

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


def save_checkpoint(path: str | os.PathLike[str], content: Any) -> None:
    """Save tensors and plain values, whole or not at all."""
    # torch turns the error of a full disk into a RuntimeError without its number: so it writes
    # to memory, and Python to the disk.
    import torch

    buffer = io.BytesIO()
    torch.save(content, buffer)
    with written_whole(path) as part:
        part.write_bytes(buffer.getbuffer())


def load_checkpoint(path: str | os.PathLike[str]) -> Any:
    """Load tensors and plain values; no code in the file is executed.

    Raises
    ------
    WeightsError
        If the file is missing, broken, or holds more than tensors and plain values.
    """
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise WeightsError(f"{path}: there is no such file", "check the path") from error
    except Exception as error:
        raise WeightsError(
            f"{path} is not a whole checkpoint of tensors ({type(error).__name__})",
            "give a file that torch.save wrote of a state_dict",
        ) from error


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write text in UTF-8, whole or not at all.

    File names need not be UTF-8: their other bytes are written as JSON has them, ``\\udce9``.
    """
    with written_whole(path) as part:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")


def load_state(
    network: torch.nn.Module, state: object, path: str | os.PathLike[str]
) -> torch.nn.Module:
    """Load a state_dict into a network and return it; nothing of it where something is wrong.

    Raises
    ------
    WeightsError
        If the state is of another network, or its numbers are none that a network computes with:
        NaN, infinite, complex, sparse, without data, integers in the place of weights.
    """
    wanted = network.state_dict()
    differences = _differences(wanted, state)
    if differences:
        raise WeightsError(
            f"{path} is of another network ({len(differences)} differences): {_few(differences)}",
            "use the task, --spatial_dims and network_def that it was trained with",
        )
    assert isinstance(state, dict)
    unusable = [
        f"{key} {why}" for key, value in wanted.items() if (why := _why_unusable(state[key], value))
    ]
    if unusable:
        raise WeightsError(
            f"{path}: {len(unusable)} of {len(wanted)} tensors are no weights: {_few(unusable)}",
            "take another checkpoint, or train again",
        )
    network.load_state_dict(state)
    return network


def _differences(wanted: dict[str, torch.Tensor], given: object) -> list[str]:
    if not isinstance(given, dict):
        return [f"it holds a {type(given).__name__}, expected a dict of tensors"]
    missing = [f"{key} is missing" for key in wanted if key not in given]
    unknown = [f"{key} is not part of the network" for key in given if key not in wanted]
    shapes = [
        f"{key} is {_shape_of(given[key])}, expected {tuple(value.shape)}"
        for key, value in wanted.items()
        if key in given and _shape_of(given[key]) != tuple(value.shape)
    ]
    return shapes + missing + unknown


def _shape_of(value: object) -> Any:
    """Return a tensor's shape; of anything else its type, of a tensor of tensors its kind."""
    if not isinstance(value, torch.Tensor):
        return f"a {type(value).__name__}"
    return "nested" if value.is_nested else tuple(value.shape)


def _why_unusable(value: torch.Tensor, wanted: torch.Tensor) -> str:
    """Return why a tensor of the right shape can't be a network's, "" if it can."""
    if value.layout != torch.strided:
        return "is sparse"
    if value.is_meta:
        return "has a shape and no numbers (meta)"
    if value.is_quantized or value.is_complex():
        return f"holds {value.dtype}".replace("torch.", "")
    if not wanted.is_floating_point():
        return ""  # counters, as batch norm's num_batches_tracked
    if not value.is_floating_point():
        return f"holds integers ({value.dtype})".replace("torch.", "")
    wrong = int((~torch.isfinite(value.to(wanted.dtype))).sum())
    return f"holds NaN or infinity in {wrong} of {value.numel()} numbers" if wrong else ""


def _few(texts: Sequence[str]) -> str:
    return "; ".join(texts[:3]) + (" …" if len(texts) > 3 else "")


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
