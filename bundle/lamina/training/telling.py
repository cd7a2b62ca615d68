"""Whether a validation can tell one epoch's weights from another's."""

import logging
from typing import Any

from ignite.engine import Engine, Events

from lamina.training.ranks import mean_of_ranks

FEWEST_CASES = 3

logger = logging.getLogger("lamina")


def not_worse(new: Any, best: Any) -> bool:
    """Say whether a metric is at least as good as the best so far: of equal ones the later counts.

    One without a value (NaN) is neither better nor worse.

    >>> not_worse(0.5, 0.5), not_worse(float("nan"), 0.5), not_worse(0.4, 0.5)
    (True, True, False)
    """
    return not new < best


class Telling:
    """Watch a validation: ``why_not`` says why it can't tell which weights are better.

    It is "" where there are three cases or more, and foreground in one of them.

    Parameters
    ----------
    evaluator
        The validation engine, whose output holds ``label``.
    """

    def __init__(self, evaluator: Any) -> None:
        self.why_not = ""
        self.has_foreground = False
        self.cases = len(evaluator.data_loader.dataset)
        evaluator.add_event_handler(Events.EPOCH_STARTED, self._start)
        evaluator.add_event_handler(Events.ITERATION_COMPLETED, self._look)
        evaluator.add_event_handler(Events.EPOCH_COMPLETED, self._conclude)

    def _start(self, engine: Engine) -> None:
        self.has_foreground = False

    def _look(self, engine: Engine) -> None:
        cases: Any = engine.state.output
        self.has_foreground |= any(bool((case["label"] > 0).any()) for case in cases)

    def _conclude(self, engine: Engine) -> None:
        before = self.why_not
        if self.cases < FEWEST_CASES:
            self.why_not = f"the validation set has fewer than {FEWEST_CASES} cases: {self.cases}"
        elif not mean_of_ranks(float(self.has_foreground)):
            self.why_not = f"none of the {self.cases} validation cases has any structure"
        if self.why_not and not before:
            logger.warning(
                "%s, so that it can't tell which epoch is best: the last weights are taken\n"
                "  → give it more labelled cases, or train with --folds 5",
                self.why_not,
            )
