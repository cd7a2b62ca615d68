"""What happens to gradients between the backward pass and the optimizer's step."""

import logging
import math
from collections.abc import Sequence
from typing import Any

import torch
from ignite.engine import Engine
from monai.engines import AdversarialTrainer
from monai.engines.utils import IterationEvents
from monai.utils.enums import AdversarialIterationEvents

from lamina.errors import DataError
from lamina.training.ranks import mean_of_ranks

logger = logging.getLogger(__name__)


def backward_completed(engine: Engine) -> Any:
    """Return the event that a trainer fires between its backward pass and the optimizer's step."""
    if isinstance(engine, AdversarialTrainer):
        return AdversarialIterationEvents.GENERATOR_BACKWARD_COMPLETED
    return IterationEvents.BACKWARD_COMPLETED


class ClipGradients:
    """Shorten a gradient that is longer than ``max_norm``, so that one batch can't undo many.

    The norm is that of all parameters together (Pascanu et al., 2013); nnU-Net clips at 12.

    Parameters
    ----------
    optimizer
        Whose parameters are meant.
    max_norm
        The largest norm.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, max_norm: float) -> None:
        self.optimizer = optimizer
        self.max_norm = max_norm

    def attach(self, engine: Engine) -> None:
        """Register with the trainer."""
        engine.add_event_handler(backward_completed(engine), self)

    def __call__(self, engine: Any) -> None:
        """Clip, of scaled gradients (AMP) after undoing the scale."""
        if getattr(engine, "amp", False) and engine.scaler is not None:
            engine.scaler.unscale_(self.optimizer)
        groups = self.optimizer.param_groups
        torch.nn.utils.clip_grad_norm_([p for g in groups for p in g["params"]], self.max_norm)


class SkipNonFinite:
    """Leave out a step whose loss is not finite, and say in which cases; end the run after many.

    It stands before `ClipGradients`. With AMP on CUDA the scaler leaves out such steps by itself;
    they are logged and counted here all the same.

    Parameters
    ----------
    optimizer
        Whose step is left out.
    limit
        So many such steps in a row end the training.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, limit: int = 5) -> None:
        self.optimizer = optimizer
        self.limit = limit
        self.in_a_row = 0

    def attach(self, engine: Engine) -> None:
        """Register with the trainer."""
        engine.add_event_handler(backward_completed(engine), self)

    def __call__(self, engine: Any) -> None:
        """Look at the loss of one step.

        Raises
        ------
        DataError
            If ``limit`` steps in a row had a loss that is not finite.
        """
        # One process with such a loss spoils the shared gradients of all.
        if math.isfinite(mean_of_ranks(float(engine.state.output["loss"].detach()))):
            self.in_a_row = 0
            return
        self.in_a_row += 1
        state = engine.state
        where = f"epoch {state.epoch}, step {state.iteration}: the loss is not finite"
        cases = ", ".join(case_names(state.batch)) or "unknown"
        if self.in_a_row >= self.limit:
            raise DataError(
                f"training: {where}, {self.in_a_row} times in a row; the last cases: {cases}",
                "look at these images and labels; lower --lr, or try --precision fp32; the last "
                "whole epoch stands in last.pt",
            )
        logger.warning("%s; the step is left out. Cases of the batch: %s", where, cases)
        if not getattr(engine, "amp", False):
            self.optimizer.zero_grad(set_to_none=True)


def case_names(batch: Any) -> Sequence[str]:
    """Return the names of a batch's cases, each once.

    >>> case_names({"image": None, "case": ["b", "a", "b"]})
    ['b', 'a']
    """
    names = batch.get("case", []) if isinstance(batch, dict) else []
    return list(dict.fromkeys(map(str, names)))
