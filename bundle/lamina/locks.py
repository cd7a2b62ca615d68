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
    lock = _acquire(path)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            lock.release()


_kept: dict[Path, FileLock] = {}


def keep_lock(path: Path) -> bool:
    """Take a file's lock until `release_lock`, or the end of this process; say whether it has it.

    A process that has it already keeps it. Raises as `locked` does.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, ".lock")
    ...     with locked(path):
    ...         others = keep_lock(path)
    ...     own, again = keep_lock(path), keep_lock(path)
    ...     release_lock(path)
    >>> others, own, again
    (False, True, True)
    """
    if path not in _kept and (lock := _acquire(path)):
        _kept[path] = lock
    return path in _kept


def release_lock(path: Path) -> None:
    """Give back what `keep_lock` took."""
    if lock := _kept.pop(path, None):
        lock.release()


def _acquire(path: Path) -> FileLock | None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # filelock's soft locks, its fallback, would outlive their process.
    lock = FileLock(path, blocking=False, fallback_to_soft=False, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    except OSError as error:
        raise LaminaError(
            f"{path} can't be locked ({error.strerror})", "work in a folder on another disk"
        ) from error
    return lock
