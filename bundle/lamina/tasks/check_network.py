"""Whether a task's network takes its patches and gives its classes, tried without computing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from monai.bundle import ConfigParser

from lamina.tasks.check_values import value_of

_MULTIPLES = (2, 4, 8, 16, 32, 64)


def network_problems(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield why the network can't be made, or does not fit patch, window and labels.

    The network runs on torch's ``meta`` device, where tensors have a shape and nothing else.
    """
    task, dims = config.get("task"), value_of(config, "spatial_dims")
    if "network_def" not in config or not isinstance(task, Mapping) or dims not in (2, 3):
        return
    try:
        with torch.device("meta"):
            network = ConfigParser(dict(config)).get_parsed_content("network_def").eval()
    except Exception as error:  # noqa: BLE001 - any network of MONAI or of the user's own
        yield f"network_def: can't be made: {_reason(error)}"
        return
    channels, classes = task.get("in_channels", 1), len(task.get("labels", []))
    for name in ("patch_size", "window_size"):
        size = value_of(config, name)
        if isinstance(size, Sequence) and len(size) == dims and min(size) > 0:
            yield from _fit(network, name, channels, classes, size)


def _fit(
    network: torch.nn.Module, name: str, channels: int, classes: int, size: Sequence[int]
) -> Iterator[str]:
    try:
        shape = output_shape(network, channels, size)
    except Exception as error:  # noqa: BLE001 - each network says so in its own way
        hint = _hint(network, channels, size)
        yield f"{name}: {_text(size)} does not fit the network ({_reason(error)}){hint}"
        return
    if shape[1] != classes:
        yield (
            f"network_def: {shape[1]} output channels, but task#labels has {classes} classes "
            '(background included): write "out_channels": "@num_classes"'
        )
    elif list(shape[2:]) != list(size):
        yield f"{name}: {_text(size)} comes out of the network as {_text(shape[2:])}{_hint(network, channels, size)}"


def _hint(network: torch.nn.Module, channels: int, size: Sequence[int]) -> str:
    possible = nearest_size(network, channels, size)
    return f"; {_text(possible)} would do" if possible else ""


def output_shape(network: torch.nn.Module, channels: int, size: Sequence[int]) -> tuple[int, ...]:
    """Return the shape that a network on the meta device makes of one image.

    >>> with torch.device("meta"):
    ...     network = torch.nn.Conv2d(1, 3, 3, padding=1)
    >>> output_shape(network, 1, [20, 30])
    (1, 3, 20, 30)
    """
    with torch.no_grad():
        result = network(torch.zeros(1, channels, *size, device="meta"))
    return tuple((result[0] if isinstance(result, list | tuple) else result).shape)


def nearest_size(network: torch.nn.Module, channels: int, size: Sequence[int]) -> list[int] | None:
    """Return the nearest larger size that the network takes, by powers of two."""
    for step in _MULTIPLES:
        larger = [-(-extent // step) * step for extent in size]
        try:
            if list(output_shape(network, channels, larger)[2:]) == larger:
                return larger
        except Exception:  # noqa: BLE001, S112 - does not fit either
            continue
    return None


def _text(size: Sequence[int]) -> str:
    return " × ".join(map(str, size))


def _reason(error: Exception) -> str:
    """Return the innermost reason, in one line."""
    while error.__cause__ is not None and isinstance(error.__cause__, Exception):
        error = error.__cause__
    text = " ".join(str(error).split())
    return text if len(text) < 160 else text[:160] + " …"
