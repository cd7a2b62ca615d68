"""When a training ends, and that its last epoch is validated."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ignite.engine import Engine, Events
from monai.engines import Evaluator

from lamina.errors import ConfigError
from lamina.training.history import read_history

logger = logging.getLogger("lamina")


class EarlyStopping:
    """End a training whose smoothed validation metric has not risen for a while.

    A metric of few cases jumps up and down, so its exponential moving average is looked at. It is
    computed from the run's history alone, so that a resumed run stops where it would have stopped.
    The handler stands behind `lamina.training.History` and `lamina.training.RunCheckpoints`.

    Parameters
    ----------
    run_dir
        Folder of the run.
    patience
        So many validations without a new best end the training; None never does.
    smoothing
        Weight of the past in the average, from 0 (none) to below 1.
    evaluator
        The validation engine, whose key metric counts; None without validation.

    Raises
    ------
    ConfigError
        If a number is out of range, or there is no validation to watch.
    """

    def __init__(
        self, run_dir: str, patience: int | None, smoothing: float = 0.8, evaluator: Any = None
    ) -> None:
        if not 0 <= smoothing < 1:
            raise ConfigError(f"smoothing: {smoothing}", "use a number from 0 to below 1")
        if patience is not None and patience < 1:
            raise ConfigError(f"patience: {patience}", "use 1 or more validations, or none")
        if patience is not None and evaluator is None:
            raise ConfigError(
                f"patience: {patience}, but there is no validation to watch",
                "give validation cases (fractions), or leave out --patience",
            )
        self.run_dir = run_dir
        self.patience = patience
        self.smoothing = smoothing
        self.evaluator = evaluator

    def attach(self, engine: Engine) -> None:
        """Register with the trainer."""
        if self.patience is not None:
            engine.add_event_handler(Events.STARTED, self._started)
            engine.add_event_handler(Events.EPOCH_COMPLETED, self._completed)

    def _started(self, engine: Engine) -> None:
        """Stop a resumed run at once that was killed between its last epoch and its end."""
        rows: Sequence[Mapping[str, Any]] = []
        if engine.state.epoch:
            rows = read_history(self.run_dir) or []
        self._look(engine, [row for row in rows if row["epoch"] <= engine.state.epoch])

    def _completed(self, engine: Engine) -> None:
        state: Any = engine.state
        self._look(engine, state.history)

    def _look(self, engine: Engine, rows: Sequence[Mapping[str, Any]]) -> None:
        name = self.evaluator.state.key_metric_name
        values = [row[name] for row in rows if row.get(name) is not None]
        since = validations_since_best(values, self.smoothing)
        if self.patience is not None and since >= self.patience:
            logger.info(
                "stopped after epoch %d: the smoothed %s has not risen for %d validations",
                engine.state.epoch,
                name,
                since,
            )
            engine.terminate()


def validations_since_best(values: Sequence[float], smoothing: float) -> int:
    """Return how many values came after the one that made the average largest.

    >>> validations_since_best([0.5, 0.8, 0.7, 0.8], smoothing=0.0)
    2
    >>> validations_since_best([0.5, 0.8, 0.7, 0.8], smoothing=0.8)
    0
    """
    averages: list[float] = []
    for value in values:
        last = averages[-1] if averages else value
        averages.append(smoothing * last + (1 - smoothing) * value)
    return len(averages) - 1 - averages.index(max(averages)) if averages else 0


class LastValidation:
    """Run a validator after the last epoch, where MONAI's `ValidationHandler` does not.

    That one validates every so many epochs: with an interval of 5, a training of 9 epochs would
    keep its 5th as the best.

    Parameters
    ----------
    validator
        What validates; None does nothing.
    interval
        That of the `ValidationHandler` beside it.

    Examples
    --------
    >>> LastValidation(None, 5).attach(Engine(lambda engine, batch: None))
    """

    def __init__(self, validator: Evaluator | None, interval: int) -> None:
        self.validator = validator
        self.interval = interval

    def attach(self, engine: Engine) -> None:
        """Listen to the end of each epoch."""
        if self.validator is not None:
            engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Validate if this was the last epoch, and was not validated."""
        epoch = engine.state.epoch
        if epoch == engine.state.max_epochs and epoch % self.interval and self.validator:
            self.validator.run(epoch)
