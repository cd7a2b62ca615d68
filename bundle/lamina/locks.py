"""Work that one process at a time does, on one machine or on several that share a folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lamina.errors import LaminaError


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Say whether this process has the file's lock, which it keeps until the end of the block.

    The system lets go of the lock of a process that dies, so that a file left behind locks nobody
    out.

    Raises
    ------
    LaminaError
        If the file system knows no locks.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with locked(Path(folder, ".lock")) as mine, locked(Path(folder, ".lock")) as again:
    ...         mine, again
    (True, False)
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        except OSError as error:
            raise LaminaError(
                f"{path}: the file system does not lock files ({error.strerror})",
                "work in a folder on another disk",
            ) from error
        yield True
