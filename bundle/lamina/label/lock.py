"""One process at a time in a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lamina.label.errors import BusyError
from lamina.locks import locked


@contextmanager
def alone(folder: Path, what: str) -> Iterator[None]:
    """Keep other processes out of this block; the system lets go of one that dies.

    Raises
    ------
    BusyError
        If another process is in it; ``what`` says what that does.
    """
    with locked(folder / ".lock") as mine:
        if not mine:
            raise BusyError(f"{folder}: {what} already", "wait for it, or stop it")
        yield
