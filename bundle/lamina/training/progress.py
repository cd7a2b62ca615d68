"""The progress bar of a training: loss, validation, samples per second, time to the end."""

import logging
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from ignite.engine import Engine, Events
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from lamina.training.ranks import is_main


class TrainingProgress:
    """One bar over all epochs; what is validated stands beside the loss.

    Parameters
    ----------
    batch_size
        Samples of one step, for samples per second.
    evaluator
        The validation engine whose key metric is shown; None without validation.
    title
        What stands before the bar.
    """

    def __init__(self, batch_size: int, evaluator: Any = None, title: str = "training") -> None:
        self.batch_size = batch_size
        self.evaluator = evaluator
        self.title = title
        self.bar: tqdm[Any] | None = None
        self.open = ExitStack()

    def attach(self, engine: Engine) -> None:
        """Register with the trainer."""
        if not is_main():
            return
        engine.add_event_handler(Events.STARTED, self._open)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._step)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._show)
        call_at_end(engine, self._close)

    def _open(self, engine: Engine) -> None:
        state: Any = engine.state
        # What is logged meanwhile stands above the bar, not in it.
        loggers = [logging.getLogger(), logging.getLogger("lamina")]
        before = {handler for logger in loggers for handler in logger.handlers}
        self.open.enter_context(logging_redirect_tqdm(loggers))
        for handler in {handler for logger in loggers for handler in logger.handlers} - before:
            handler.setLevel(logging.INFO)  # tqdm forgets it
        self.bar = tqdm(
            total=state.max_epochs * state.epoch_length * self.batch_size,
            initial=state.iteration * self.batch_size,
            desc=self.title,
            unit=" samples",
            mininterval=0.5 if sys.stderr.isatty() else 20,
            dynamic_ncols=True,
        )

    def _step(self, engine: Engine) -> None:
        assert self.bar is not None
        self._show(engine)
        self.bar.update(self.batch_size)

    def _show(self, engine: Engine) -> None:
        assert self.bar is not None
        state: Any = engine.state
        shown = {
            "epoch": f"{state.epoch}/{state.max_epochs}",
            "loss": f"{float(state.output[0]['loss']):.3f}",
        }
        if self.evaluator is not None and self.evaluator.state.metrics:
            name = self.evaluator.state.key_metric_name
            shown[name] = f"{self.evaluator.state.metrics[name]:.3f}"
        self.bar.set_postfix(shown, refresh=False)

    def _close(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None
        self.open.close()


def call_at_end(engine: Engine, close: Callable[[], None]) -> None:
    """Call something when a run completes, or when an exception ends it, which then goes on.

    It may be called twice: ignite tells of an exception at each level that it passes.
    ignite swallows an exception that any handler listens to, and leaves out the handlers behind
    one that raises: so there is one handler for all that has to be closed.
    """
    closers: list[Callable[[], None]] = engine.__dict__.setdefault("closed_at_end", [])
    closers.append(close)
    if len(closers) > 1:
        return

    def close_all(_: Engine, error: BaseException | None = None) -> None:
        for one in closers:
            one()
        if error is not None:
            raise error

    engine.add_event_handler(Events.COMPLETED, close_all)
    engine.add_event_handler(Events.EXCEPTION_RAISED, close_all)
