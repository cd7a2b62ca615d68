"""The errors that a user can cause, and can mend.

Each message says what was given, what was expected and what to do, and names the file or the
config id. Anything else that is raised is a bug of Lamina.
"""


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


class WeightsError(LaminaError):
    """A checkpoint is missing, broken, or of another network."""


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
        error = error.__cause__ or error.__context__
    return None
