"""One process at a time in a folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lamina.label.errors import BusyError


@contextmanager
def alone(folder: Path, what: str) -> Iterator[None]:
    """Keep other processes out of this block; the system lets go of one that dies.

    Raises
    ------
    BusyError
        If another process is in it; ``what`` says what that does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"{folder}: {what} already", "wait for it, or stop it") from None
        yield
