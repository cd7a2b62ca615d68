"""Work that one process at a time does, on one machine or on several that share a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from lamina.errors import LaminaError


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Say whether this process has the file's lock, which it keeps until the end of the block.

    The system releases the lock of a process that dies, so that a file left behind locks nobody
    out.

    Raises
    ------
    LaminaError
        If the file can't be locked, as on a file system without locks.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with locked(Path(folder, ".lock")) as mine, locked(Path(folder, ".lock")) as again:
    ...         mine, again
    (True, False)
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # filelock's soft locks, its fallback, would outlive their process.
    lock = FileLock(path, blocking=False, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    except OSError as error:
        raise LaminaError(
            f"{path} can't be locked ({error.strerror})", "work in a folder on another disk"
        ) from error
    try:
        yield True
    finally:
        lock.release()
