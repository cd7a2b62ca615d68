"""Compressed pixels of DICOM files, decoded by processes of their own.

GDCM, CharLS and OpenJPEG are C libraries that end their process over some broken files, or take
time and memory without a bound. So they run in a helper process that stays for the next file: a
crash costs that file. It starts with the first compressed file.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import iter_pixels, pixel_array

from lamina.readers.dicom_file import read_dicom_file

_SECONDS, _BYTES_PER_SECOND = 8, 4_000_000
"""Processor time for any file, and as much more for what it holds."""
_MEMORY, _COPIES = 500_000_000, 6
"""Bytes beside the pixels, and how often the pixels may lie in memory."""


def frames_of(image: Dataset, frames: Sequence[int], raw: bool) -> NDArray[Any]:
    """Return frames (frames, rows, columns[, 3]), decoded in this process; see `decode`."""
    count = int(image.get("NumberOfFrames") or 1)
    if 1 < count > len(frames):
        return np.stack(list(iter_pixels(image, indices=list(frames), raw=raw)))
    pixels = pixel_array(image, raw=raw, allow_excess_frames=False)
    return pixels[list(frames)] if count > 1 else pixels[None]


def decode(path: Path, size: int, frames: Sequence[int], raw: bool = False) -> NDArray[Any]:
    """Return frames of a DICOM file (frames, rows, columns[, 3]) as pydicom has them.

    Parameters
    ----------
    path
        The file.
    size
        How many bytes its pixels take by its header, of which time and memory follow.
    frames
        Which ones, from 0.
    raw
        Whether colours stay as they are stored.

    Raises
    ------
    RuntimeError
        If they can't be decoded, or the helper crashed or ran past its bounds.
    """
    with _helper() as helper:
        return helper.decode([os.path.abspath(path), size, list(frames), raw])


class _Helper:
    """A process that decodes one file after the other."""

    def __init__(self) -> None:
        paths = os.pathsep.join(path for path in sys.path if path)
        self.process = subprocess.Popen(
            [sys.executable, "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": paths},
        )

    def decode(self, asked: list[Any]) -> NDArray[Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with suppress(BrokenPipeError):  # what it died of is found below
            self.process.stdin.write(json.dumps(asked).encode() + b"\n")
            self.process.stdin.flush()
        line = self.process.stdout.readline()
        answer = json.loads(line) if line.endswith(b"\n") else {}
        if "error" in answer:
            raise RuntimeError(answer["error"])
        pixels = np.empty(answer["shape"], answer["type"]) if answer else np.empty(0)
        view = pixels.reshape(-1).view(np.uint8).data
        if not answer or self.process.stdout.readinto(view) < len(view):  # type: ignore[attr-defined]
            raise RuntimeError(_ending(self.process.wait()))
        return pixels

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


_idle: deque[_Helper] = deque()
# A process that was forked would share the pipes of its parent's helpers.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)


@contextmanager
def _helper() -> Iterator[_Helper]:
    """Take a helper that is idle, or start one; one that failed is not used again."""
    try:
        helper = _idle.pop()
    except IndexError:
        helper = _Helper()
    try:
        yield helper
    except BaseException:
        helper.close()
        raise
    _idle.append(helper)


@atexit.register
def _close_all() -> None:
    while _idle:
        _idle.pop().close()


def _ending(status: int) -> str:
    """Say what a helper died of.

    >>> _ending(-6)
    'the decoder crashed over it: SIGABRT'
    """
    name = signal.Signals(-status).name if status < 0 else f"status {status}"
    if name == "SIGXCPU":
        return "the decoder took too long for it"
    return f"the decoder crashed over it: {name}"


def _serve() -> None:
    """Answer each line of the input (path, size, frames, raw) with the pixels."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = sys.stdout.buffer
    for line in sys.stdin.buffer:
        path, size, frames, raw = json.loads(line)
        _bound(size)
        try:
            image = read_dicom_file(Path(path), "its pixels can't be decoded")
            pixels = np.ascontiguousarray(frames_of(image, frames, raw))
            answer = {"shape": pixels.shape, "type": pixels.dtype.str}
            out.write(json.dumps(answer).encode() + b"\n")
            out.write(pixels.reshape(-1).view(np.uint8).data)
        except Exception as error:  # noqa: BLE001 - it goes to the process that asked
            reason = " ".join(str(error).split()) or type(error).__name__
            out.write(json.dumps({"error": reason}).encode() + b"\n")
        out.flush()


def _bound(size: int) -> None:
    """Let the system end this process where it takes more than is needed for so many bytes."""
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(usage.ru_utime + usage.ru_stime) + _SECONDS + size // _BYTES_PER_SECOND
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for limit, value in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, _virtual_memory() + _MEMORY + _COPIES * size),
    ):
        with suppress(ValueError, OSError):  # a lower limit that the user set stands
            resource.setrlimit(limit, (value, resource.getrlimit(limit)[1]))


def _virtual_memory() -> int:
    import psutil

    return int(psutil.Process().memory_info().vms)


if __name__ == "__main__":
    _serve()
