"""The errors that a user can cause, and can correct.

Each message says what was given, what was expected and what to do, and names the file or the
config id. Anything else that is raised is a bug of Lamina.
"""

import errno
import os


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
            return not_written(error.filename or "a file", error)
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
