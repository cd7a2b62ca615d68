"""Mistakes of a client, and the HTTP status that answers each."""

from lamina.errors import ConfigError, LaminaError, WeightsError, WriteError


class UnknownNameError(LaminaError):
    """A client names a model, an image or a label that is not there."""


class BusyError(LaminaError):
    """What a client asks for can't run beside what runs already."""


class ArchiveError(LaminaError):
    """A DICOMweb archive does not answer, or refuses."""


_STATUS: dict[type[LaminaError], int] = {
    UnknownNameError: 404,
    BusyError: 429,
    WeightsError: 409,
    ConfigError: 400,
    WriteError: 507,
    ArchiveError: 502,
}


def status_of(error: LaminaError) -> int:
    """Return the HTTP status for a mistake; what a file holds is 422.

    >>> status_of(UnknownNameError("no model 'a'")), status_of(LaminaError("no image"))
    (404, 422)
    """
    return next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 422)
