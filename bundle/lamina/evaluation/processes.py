"""An evaluation in several processes, and its progress bar."""

import sys
from typing import Any, TypeVar

import ignite.distributed as idist
import torch.distributed as dist
from ignite.engine import Engine, Events
from tqdm import tqdm

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


class CaseProgress:
    """A bar over the cases.

    Parameters
    ----------
    title
        What stands before it.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.bar: tqdm[Any] | None = None

    def attach(self, engine: Engine) -> None:
        """Register with the evaluator."""
        engine.add_event_handler(Events.STARTED, self._open)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._step)
        engine.add_event_handler(Events.COMPLETED, self._close)

    def _open(self, engine: Engine) -> None:
        self.bar = tqdm(
            total=engine.state.epoch_length,
            desc=self.title,
            unit=" cases",
            mininterval=0.2 if sys.stderr.isatty() else 20,
            dynamic_ncols=True,
        )

    def _step(self, engine: Engine) -> None:
        assert self.bar is not None
        state: Any = engine.state
        self.bar.update(len(state.output))

    def _close(self, engine: Engine) -> None:
        assert self.bar is not None
        self.bar.close()
