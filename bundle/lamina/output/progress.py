"""The progress bar of inference and evaluation."""

import sys
from typing import Any

from ignite.engine import Engine, Events
from tqdm import tqdm


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
