"""What the processes of one evaluation tell each other at its end."""

from typing import TypeVar

import ignite.distributed as idist
import torch.distributed as dist

Value = TypeVar("Value")


def gather(cases: dict[str, Value]) -> dict[str, Value]:
    """Return the cases of all processes; a case that several had (padding) is kept once.

    Examples
    --------
    >>> gather({"a": 1})
    {'a': 1}
    """
    if idist.get_world_size() == 1:
        return cases
    of_all: list[dict[str, Value] | None] = [None] * idist.get_world_size()
    dist.all_gather_object(of_all, cases)
    return {name: value for of_one in of_all if of_one for name, value in of_one.items()}


def is_first_process() -> bool:
    """Say whether this process is the one that writes."""
    return idist.get_rank() == 0
