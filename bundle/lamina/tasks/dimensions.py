"""Values of a task that differ between 2D and 3D."""

from typing import Any

from lamina.errors import ConfigError


def for_dims(value: Any, spatial_dims: int, name: str = "value") -> Any:
    """Return the entry of ``value`` for 2D or 3D, or ``value`` itself where both are alike.

    Raises
    ------
    ConfigError
        If the task has values by dimension, but none for ``spatial_dims``.

    Examples
    --------
    >>> for_dims({"2": [64, 128], "3": [32, 64, 16]}, 3)
    [32, 64, 16]
    >>> for_dims(0.001, 3)
    0.001
    """
    if spatial_dims not in (2, 3):
        raise ConfigError(f"spatial_dims: {spatial_dims!r}", "use 2 or 3")
    if not (isinstance(value, dict) and value and set(value) <= {"2", "3"}):
        return value
    if str(spatial_dims) not in value:
        raise ConfigError(
            f"task#{name} has no entry for spatial_dims {spatial_dims}, only for {'/'.join(value)}",
            f"choose --spatial_dims {next(iter(value))}, or add the entry to the task file",
        )
    return value[str(spatial_dims)]
