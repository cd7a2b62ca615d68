"""The errors that a user can cause, and can correct.

Each message says what was given, what was expected and what to do, and names the file or the
config id. Anything else that is raised is a bug of Lamina.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager


class LaminaError(Exception):
    """Base of all errors that are shown to a user without a traceback.

    >>> str(LaminaError("no image in /data", remedy="put NIfTI files into /data"))
    'no image in /data\\n  → put NIfTI files into /data'
    """

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message if remedy is None else f"{message}\n  → {remedy}")


class ConfigError(LaminaError):
    """A config or a command-line option is wrong."""


class DataError(LaminaError):
    """A data set does not hold what a workflow needs."""


class ReadError(LaminaError):
    """One file or series can't be read."""


class GeometryError(LaminaError):
    """The position of voxels in space is unclear, or two grids that should agree do not."""


class WriteError(LaminaError):
    """A file can't be written: no room, no permission."""


class WeightsError(LaminaError):
    """A checkpoint is missing, broken, or of another network."""


NO_ROOM = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EROFS,
    errno.EACCES,
    errno.ENOTDIR,
    errno.EEXIST,
}
"""No space, quota, largest size, read-only, permission, a file where a folder should be."""


_ONE_VALUE = "Expected more than 1 value per channel when training"
"""How torch says so."""


def find_cause(error: BaseException | None) -> LaminaError | None:
    """Return the user's mistake behind an error that MONAI or ignite wrapped, if it is one.

    >>> try:
    ...     try:
    ...         raise DataError("no image")
    ...     except DataError as inner:
    ...         raise RuntimeError("applying transform") from inner
    ... except RuntimeError as outer:
    ...     print(find_cause(outer))
    no image
    """
    while error is not None:
        if isinstance(error, LaminaError):
            return error
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            return _denied(error) or not_written(error.filename or "a file", error)
        if isinstance(error, ValueError) and _ONE_VALUE in str(error):
            return ConfigError(
                "batch_size, patch_size: a batch norm gets one value a channel, of which there is "
                "no mean",
                "take larger patches, batches of at least 2 (the last of an epoch too), or "
                "instance norm",
            )
        error = error.__cause__ or error.__context__
    return None


def reason_of(error: Exception) -> str:
    """Return why a case failed, in one line; a bug of Lamina's is named as one.

    >>> reason_of(DataError("no image", "look there")), reason_of(KeyError("a"))
    ('no image → look there', "KeyError: 'a'")
    """
    cause = find_cause(error)
    if cause is not None:
        return " ".join(str(cause).split())
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def not_written(path: object, error: OSError) -> WriteError:
    """Return what to tell a user whose disk is full, or who may not write.

    >>> print(not_written("a.txt", OSError(errno.ENOSPC, "")))
    a.txt can't be written: No space left on device
      → make room there, or choose another folder; what was whole before is still there
    """
    return WriteError(
        f"{path} can't be written: {os.strerror(error.errno or 0)}",
        "make room there, or choose another folder; what was whole before is still there",
    )


def _denied(error: OSError) -> ReadError | None:
    """Return the error of a file that is there and may not be read; None where writing failed."""
    denied = error.errno == errno.EACCES and _may_not_be_read(error.filename)
    return not_read(error.filename, error) if denied else None


def _may_not_be_read(path: object) -> bool:
    how = {"effective_ids": True} if os.access in os.supports_effective_ids else {}
    name = str(path)
    return os.path.lexists(name) and not os.access(name, os.R_OK, **how)


def not_read(path: object, error: Exception, what: str = "can't be read") -> ReadError:
    """Return what to tell a user whose file a parser does not take, or who may not read it.

    >>> print(not_read("a.png", PermissionError(errno.EACCES, "")))
    a.png: can't be read (Permission denied)
      → give yourself the right to read it, or take it out
    >>> print(not_read("a.dcm", RecursionError()).args[0].splitlines()[0])
    a.dcm: can't be read (it is nested too deep)
    """
    remedy = "copy or export it again"
    if not isinstance(error, OSError) and _may_not_be_read(path):  # in a library's own words
        error = PermissionError(errno.EACCES, "")
    if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL, errno.EOVERFLOW):
        what, why = "can't be read", os.strerror(error.errno)
        if isinstance(error, PermissionError):
            remedy = "give yourself the right to read it, or take it out"
    elif isinstance(error, RecursionError):
        why = "it is nested too deep"
    else:
        why = " ".join(str(error).split())[:200] or type(error).__name__
    return ReadError(f"{path}: {what} ({why})", remedy)


@contextmanager
def reading(path: object, what: str = "can't be read") -> Iterator[None]:
    """Turn whatever a parser raises over a file into an error that names the file.

    Parsers raise what they come across (zlib.error, RecursionError, struct.error, MemoryError …):
    a list of types is never whole, and what is missing in it ends a command over many files. So
    this is the one guard around each file, of all formats.

    Parameters
    ----------
    path
        The file.
    what
        What is wrong with it, if the parser fails.

    Raises
    ------
    ReadError
        If anything is raised within; errors of Lamina pass as they are.

    Examples
    --------
    >>> with reading("a.nii.gz", "not a complete NIfTI file"):
    ...     raise EOFError("ended early")
    Traceback (most recent call last):
        ...
    lamina.errors.ReadError: a.nii.gz: not a complete NIfTI file (ended early)
      → copy or export it again
    """
    try:
        yield
    except LaminaError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise not_written(error.filename or "a file", error) from error  # what is unpacked
        raise not_read(path, error, what) from error


def printable(text: str) -> str:
    """Return text as UTF-8 can hold it: other bytes in a file's name as JSON writes them.

    >>> print(printable("caf\\udce9.png"))
    caf\\udce9.png
    """
    return text.encode(errors="backslashreplace").decode()
