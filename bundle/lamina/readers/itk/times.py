"""Time points of NRRD and MetaImage files: each is read as the file of one volume that it could be.

The header is written again without the axis of time, and behind it the voxels of one time point;
`lamina.readers.itk.volumes` reads that as any other file. So only one volume is ever in memory, and place,
unit and type are found by one rule.
"""

import tempfile
import zlib
from collections.abc import Iterable, Iterator
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from lamina.errors import LaminaError, ReadError
from lamina.readers.grid import Grid
from lamina.readers.itk.headers import header_sizes, read_itk_header
from lamina.readers.itk.time_headers import TimeHeader, read_time_header
from lamina.readers.itk.volumes import header_grid, read_itk, read_itk_grid
from lamina.readers.parts import require_part, warn_of_time

_CHUNK = 1 << 20


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def count_itk(path: Path) -> int:
    """Return how many time points an NRRD or MetaImage file has."""
    header = read_time_header(path)
    return header.count if header else 1


def read_itk_time(path: Path, time: int | None = None) -> tuple[NDArray[Any], Grid]:
    """Return voxels (x, y[, z]) in float32 and their grid, as `lamina.readers.itk.volumes.read_itk`.

    Parameters
    ----------
    path
        An NRRD or MetaImage file.
    time
        The time point that is read, from 1; None where the file has only one.

    Raises
    ------
    ReadError
        If there are several and none is named, or it is none that `read_itk` takes.
    """
    header = read_time_header(path)
    at = require_part(path, "t", header.count if header else 1, time)
    if header is None:
        return read_itk(path)
    if header.count > 1 and not header.known:
        warn_of_time(path, header.count, at + 1)
    return _as_file(header, read_itk, _voxels(header, at))


def read_itk_time_grid(path: Path, time: int | None = None) -> Grid:
    """Return the grid of a time point from the header alone; raises as `read_itk_time` does."""
    header = read_time_header(path)
    require_part(path, "t", header.count if header else 1, time)
    return _as_file(header, _grid_alone) if header else read_itk_grid(path)


def _grid_alone(path: Path) -> Grid:
    header = read_itk_header(path)
    return header_grid(header, header_sizes(header))


def _as_file(header: TimeHeader, read: Any, voxels: Iterable[bytes] = ()) -> Any:
    """Let a reader of files read one time point."""
    with tempfile.TemporaryDirectory(prefix="lamina-") as folder:
        path = Path(folder, "t.nrrd" if header.text.startswith("NRRD") else "t.mha")
        with path.open("wb") as file:
            file.write(header.text.encode())
            file.writelines(voxels)
        try:
            return read(path)
        except LaminaError as error:
            raise type(error)(str(error).replace(str(path), str(header.path))) from error


def _voxels(header: TimeHeader, at: int) -> Iterator[bytes]:
    """Yield the bytes of one time point, in the order that they have without the others."""
    inner = header.item * prod(header.sizes[: header.axis])
    outer = prod(header.sizes[header.axis + 1 :])
    try:
        with header.data.open("rb") as file:
            if header.skip < 0:
                file.seek(-inner * outer * header.count, 2)
            else:
                file.seek(header.skip)
            stream = _decoded(file, header.encoding)
            if outer == 1:
                yield from _between(stream, inner * at, inner)
            else:
                yield from _every(stream, inner, header.count, outer, at)
    except (OSError, EOFError, zlib.error) as error:
        raise ReadError(
            f"{header.path}: its data are not complete ({error})", "copy or export it again"
        ) from error


def _between(stream: _Stream, skip: int, size: int) -> Iterator[bytes]:
    """Yield ``size`` bytes after ``skip`` others."""
    for wanted, length in ((False, skip), (True, size)):
        while length:
            chunk = _exactly(stream, min(length, _CHUNK))
            length -= len(chunk)
            if wanted:
                yield chunk


def _every(stream: _Stream, inner: int, count: int, outer: int, at: int) -> Iterator[bytes]:
    """Yield block ``at`` of each ``count`` blocks of ``inner`` bytes."""
    at_once = max(_CHUNK // (inner * count), 1)
    while outer:
        rows = min(at_once, outer)
        chunk = np.frombuffer(_exactly(stream, rows * count * inner), np.uint8)
        outer -= rows
        yield chunk.reshape(rows, count, inner)[:, at].tobytes()


def _exactly(stream: _Stream, size: int) -> bytes:
    chunk = stream.read(size)
    if len(chunk) < size:
        raise EOFError(f"{size - len(chunk)} bytes are missing")
    return chunk


def _decoded(file: BinaryIO, encoding: str) -> _Stream:
    if encoding == "raw":
        return file
    return _Inflated(file)


class _Inflated:
    """A zlib or gzip stream as one that can be read."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.inflate = zlib.decompressobj(wbits=47)
        self.rest = b""

    def read(self, size: int, /) -> bytes:
        """Return so many bytes, fewer only at the end."""
        parts = []
        while size and not self.inflate.eof:
            packed = self.rest or self.file.read(_CHUNK)
            parts.append(self.inflate.decompress(packed, size))
            self.rest = self.inflate.unconsumed_tail
            size -= len(parts[-1])
            if not (packed or parts[-1]):
                break
        return b"".join(parts)
