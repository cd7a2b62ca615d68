"""The last epoch is validated too, whatever the interval."""

from ignite.engine import Engine, Events
from monai.engines import Evaluator


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
