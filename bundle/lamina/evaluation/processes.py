"""An evaluation in several processes, and its progress bar."""

import sys
from typing import TypeVar

import ignite.distributed as idist
import torch.distributed as dist
from ignite.handlers import ProgressBar

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


class CaseProgress(ProgressBar):
    """A bar over the cases, which a log file gets only now and then.

    Parameters
    ----------
    title
        What stands before it.
    """

    def __init__(self, title: str) -> None:
        interval = 0.2 if sys.stderr.isatty() else 20
        super().__init__(persist=True, desc=title, mininterval=interval, dynamic_ncols=True)
