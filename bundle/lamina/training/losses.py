"""Losses by a word: ``--loss dice_ce`` instead of a component with its arguments.

All take the network's output before any activation, (batch, classes, …), and class values
(batch, 1, …).
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches

import torch
from monai.losses import (
    DiceCELoss,
    DiceLoss,
    FocalLoss,
    GeneralizedDiceLoss,
    TverskyLoss,
)
from monai.networks import one_hot
from torch import nn
from torch.nn import functional

from lamina.errors import ConfigError


class CrossEntropyLoss(nn.Module):
    """Cross-entropy of the softmax over classes.

    >>> round(float(CrossEntropyLoss()(torch.zeros(1, 2, 4, 4), torch.ones(1, 1, 4, 4))), 3)
    0.693
    """

    def forward(self, pred: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Return the mean over all voxels."""
        return functional.cross_entropy(pred, label[:, 0].long())


class BCELoss(nn.Module):
    """Binary cross-entropy with logits: each class against all others.

    The logit is the logarithm of the odds that softmax gives a class, so that probabilities are
    those of softmax, as everywhere else; of two classes it is the difference of the outputs.

    >>> round(float(BCELoss()(torch.zeros(1, 2, 4, 4), torch.ones(1, 1, 4, 4))), 3)
    0.693
    """

    def forward(self, pred: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Return the mean over all voxels and classes."""
        classes = range(pred.shape[1])
        others = [pred[:, [c for c in classes if c != one]].logsumexp(1) for one in classes]
        truth = one_hot(label, num_classes=pred.shape[1], dtype=pred.dtype)
        return functional.binary_cross_entropy_with_logits(pred - torch.stack(others, 1), truth)


class DiceBCELoss(nn.Module):
    """The sum of Dice loss and binary cross-entropy."""

    def __init__(self) -> None:
        super().__init__()
        self.dice = DiceLoss(to_onehot_y=True, softmax=True, batch=True)
        self.bce = BCELoss()

    def forward(self, pred: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Return the sum of both."""
        total: torch.Tensor = self.dice(pred, label) + self.bce(pred, label)
        return total


LOSSES: Mapping[str, Callable[[], nn.Module]] = {
    "cross_entropy": CrossEntropyLoss,
    "bce": BCELoss,
    "dice": lambda: DiceLoss(to_onehot_y=True, softmax=True, batch=True),
    "dice_ce": lambda: DiceCELoss(to_onehot_y=True, softmax=True, batch=True),
    "dice_bce": DiceBCELoss,
    "focal": lambda: FocalLoss(to_onehot_y=True, use_softmax=True),
    "generalized_dice": lambda: GeneralizedDiceLoss(to_onehot_y=True, softmax=True, batch=True),
    "tversky": lambda: TverskyLoss(to_onehot_y=True, softmax=True, batch=True),
}
"""Dice and its kin are taken over the batch, so that a structure absent in one picture counts."""


def find_loss(loss: str | nn.Module) -> nn.Module:
    """Return the loss that a word stands for; a component of the config stays what it is.

    Raises
    ------
    ConfigError
        If there is no such word; names the nearest.

    Examples
    --------
    >>> type(find_loss("dice_ce")).__name__
    'DiceCELoss'
    """
    if not isinstance(loss, str):
        return loss
    if loss not in LOSSES:
        near = get_close_matches(loss, LOSSES, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ConfigError(
            f"loss: {loss!r} is not known",
            f"{hint}known are {', '.join(LOSSES)}; or write a component in the task file",
        )
    return LOSSES[loss]()
