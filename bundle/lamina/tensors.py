"""Tensors in files: whole, without code in them, and numbers that a network computes with."""

import io
import os
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from lamina.errors import WeightsError
from lamina.files import written_whole


def save_checkpoint(path: str | os.PathLike[str], content: Any) -> None:
    """Save tensors and plain values, whole or not at all."""
    # torch turns the error of a full disk into a RuntimeError without its number: so it writes
    # to memory, and Python to the disk.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with written_whole(path) as part:
        part.write_bytes(buffer.getbuffer())


def load_checkpoint(path: str | os.PathLike[str]) -> Any:
    """Load tensors and plain values; no code in the file is executed.

    Raises
    ------
    WeightsError
        If the file is missing, broken, or holds more than tensors and plain values.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise WeightsError(f"{path}: there is no such file", "check the path") from error
    except Exception as error:
        raise WeightsError(
            f"{path} is not a whole checkpoint of tensors ({type(error).__name__})",
            "give a file that torch.save wrote of a state_dict",
        ) from error


TrainedOn = dict[str, list[str]]
"""Hashes of the images that weights have seen, by "training", "validation" and "test"."""


def carrying(
    weights: Mapping[str, torch.Tensor], trained_on: TrainedOn | None
) -> "OrderedDict[str, torch.Tensor]":
    """Return a state_dict that carries what it was trained on; networks load it like any other.

    >>> trained_on_of(carrying({}, {"training": ["c0ffee"]}))
    {'training': ['c0ffee']}
    """
    state = OrderedDict(weights)
    state.__dict__.update(getattr(weights, "__dict__", {}))
    if trained_on is not None:
        state.__dict__["trained_on"] = trained_on
    return state


def trained_on_of(state: object) -> TrainedOn | None:
    """Return what a state_dict, or the network of a ``last.pt``, was trained on; None if unsaid."""
    if isinstance(state, dict) and isinstance(state.get("network"), dict):
        state = state["network"]
    found = getattr(state, "trained_on", None)
    return found if isinstance(found, dict) else None


def load_state(
    network: torch.nn.Module, state: object, path: str | os.PathLike[str]
) -> torch.nn.Module:
    """Load a state_dict into a network and return it; nothing of it where something is wrong.

    Raises
    ------
    WeightsError
        If the state is of another network, or its numbers are none that a network computes with:
        NaN, infinite, complex, sparse, without data, integers in the place of weights.
    """
    wanted = network.state_dict()
    differences = _differences(wanted, state)
    if differences:
        raise WeightsError(
            f"{path} is of another network ({len(differences)} differences): {_few(differences)}",
            "use the task, --spatial_dims and network_def that it was trained with",
        )
    assert isinstance(state, dict)
    unusable = [
        f"{key} {why}" for key, value in wanted.items() if (why := _why_unusable(state[key], value))
    ]
    if unusable:
        raise WeightsError(
            f"{path}: {len(unusable)} of {len(wanted)} tensors are no weights: {_few(unusable)}",
            "take another checkpoint, or train again",
        )
    network.load_state_dict(state)
    return network


def _differences(wanted: dict[str, torch.Tensor], given: object) -> list[str]:
    if not isinstance(given, dict):
        return [f"it holds a {type(given).__name__}, expected a dict of tensors"]
    missing = [f"{key} is missing" for key in wanted if key not in given]
    unknown = [f"{key} is not part of the network" for key in given if key not in wanted]
    shapes = [
        f"{key} is {_shape_of(given[key])}, expected {tuple(value.shape)}"
        for key, value in wanted.items()
        if key in given and _shape_of(given[key]) != tuple(value.shape)
    ]
    return shapes + missing + unknown


def _shape_of(value: object) -> Any:
    """Return a tensor's shape; of anything else its type, of a tensor of tensors its kind."""
    if not isinstance(value, torch.Tensor):
        return f"a {type(value).__name__}"
    return "nested" if value.is_nested else tuple(value.shape)


def _why_unusable(value: torch.Tensor, wanted: torch.Tensor) -> str:
    """Return why a tensor of the right shape can't be a network's, "" if it can."""
    if value.layout != torch.strided:
        return "is sparse"
    if value.is_meta:
        return "has a shape and no numbers (meta)"
    if value.is_quantized or value.is_complex():
        return f"holds {value.dtype}".replace("torch.", "")
    if not wanted.is_floating_point():
        return ""  # counters, as batch norm's num_batches_tracked
    if not value.is_floating_point():
        return f"holds integers ({value.dtype})".replace("torch.", "")
    wrong = int((~torch.isfinite(value.to(wanted.dtype))).sum())
    return f"holds NaN or infinity in {wrong} of {value.numel()} numbers" if wrong else ""


def _few(texts: Sequence[str]) -> str:
    return "; ".join(texts[:3]) + (" …" if len(texts) > 3 else "")
