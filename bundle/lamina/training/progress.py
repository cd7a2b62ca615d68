"""The progress bar of a training: loss, validation, samples per second, time to the end."""

import sys
from typing import Any

from ignite.engine import Engine, Events
from tqdm import tqdm


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

    def attach(self, engine: Engine) -> None:
        """Register with the trainer."""
        engine.add_event_handler(Events.STARTED, self._open)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._step)
        for event in (Events.COMPLETED, Events.EXCEPTION_RAISED):
            engine.add_event_handler(event, self._close)

    def _open(self, engine: Engine) -> None:
        state: Any = engine.state
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
        state: Any = engine.state
        shown = {
            "epoch": f"{state.epoch}/{state.max_epochs}",
            "loss": f"{float(state.output[0]['loss']):.3f}",
        }
        if self.evaluator is not None and self.evaluator.state.metrics:
            name = self.evaluator.state.key_metric_name
            shown[name] = f"{self.evaluator.state.metrics[name]:.3f}"
        self.bar.set_postfix(shown, refresh=False)
        self.bar.update(self.batch_size)

    def _close(self, engine: Engine, error: BaseException | None = None) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None
        if error is not None:
            raise error
