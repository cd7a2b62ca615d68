"""Temporary folders that hold what patients or clients sent, and are removed after a crash too."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lamina.locks import locked

_PREFIX = "lamina-temporary-"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder for the block, and remove those of this user whose process has died.

    A folder belongs to who holds the lock of the file beside it, which the system releases when a
    process ends in whatever way.

    >>> with temporary_folder() as folder:
    ...     folder.is_dir()
    True
    >>> folder.exists()
    False
    """
    parent = Path(tempfile.gettempdir())
    for lock in parent.glob(f"{_PREFIX}*.lock"):
        if _is_mine(lock):
            _remove_if_left(lock)
    handle, name = tempfile.mkstemp(".lock", _PREFIX, parent)
    os.close(handle)
    lock = Path(name)
    try:
        with locked(lock):
            folder = lock.with_suffix("")
            folder.mkdir(mode=0o700)
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    finally:
        lock.unlink(missing_ok=True)


def _is_mine(lock: Path) -> bool:
    """Say whether it is a plain file of this user: others may write in the same folder."""
    try:
        status = lock.lstat()
    except OSError:
        return False
    owner = getattr(os, "getuid", lambda: status.st_uid)()
    return stat.S_ISREG(status.st_mode) and status.st_uid == owner


def _remove_if_left(lock: Path) -> None:
    with locked(lock) as left:
        if left:
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
    if left:
        lock.unlink(missing_ok=True)
