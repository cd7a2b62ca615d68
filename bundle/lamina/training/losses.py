"""Losses by name, and the one that also asks which structures a patch holds."""

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
from torch.nn.functional import binary_cross_entropy_with_logits

from lamina.errors import ConfigError
from lamina.tasks.labels import IGNORED


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
        reference = one_hot(label, num_classes=pred.shape[1], dtype=pred.dtype)
        return functional.binary_cross_entropy_with_logits(pred - torch.stack(others, 1), reference)


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


class AnnotatedLoss(nn.Module):
    """A loss of those voxels alone that are annotated; where all are, the loss itself.

    They are handed on as one sample with one axis, (1, classes, voxels): losses that look at each
    voxel, or sum over the batch, do not see what was left out. Losses that look at shapes refuse.

    >>> scores, label = torch.zeros(1, 2, 4, 4), torch.full((1, 1, 4, 4), -1)
    >>> float(AnnotatedLoss(CrossEntropyLoss())(scores, label))
    0.0
    """

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, scores: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Return the loss of the annotated voxels, 0 where there is none."""
        annotated = label[:, 0] != IGNORED
        if not annotated.all():
            scores, label = (one.movedim(1, -1)[annotated].T[None] for one in (scores, label))
        total: torch.Tensor = self.loss(scores, label) if label.numel() else scores.sum()
        return total


def find_loss(loss: str | nn.Module) -> nn.Module:
    """Return the loss that a word or a component of the config stands for, of annotated voxels.

    Raises
    ------
    ConfigError
        If there is no such word; names the nearest.

    Examples
    --------
    >>> type(find_loss("dice_ce").loss).__name__
    'DiceCELoss'
    """
    if not isinstance(loss, str):
        return AnnotatedLoss(loss)
    if loss not in LOSSES:
        near = get_close_matches(loss, LOSSES, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ConfigError(
            f"loss: {loss!r} is not known",
            f"{hint}known are {', '.join(LOSSES)}; or write a component in the task file",
        )
    return AnnotatedLoss(LOSSES[loss]())


class PresenceLoss(torch.nn.Module):
    """Add to a loss how well the presence of each structure in a patch is predicted.

    Where a structure is surest says whether it is there: of each foreground class the highest log
    odds against all other classes count, and are compared with the label (binary cross-entropy).
    Neither looks at a border, where a structure may be cut so that nobody could recognise it.

    Parameters
    ----------
    loss
        Of scores (batch, classes, x, y[, z]) and labels (batch, 1, x, y[, z]).
    weight
        Of what is added.
    border
        Voxels at each side of a patch that are left out.

    Raises
    ------
    ConfigError
        When it is called with patches that are nothing but border.

    Examples
    --------
    >>> loss = PresenceLoss(lambda scores, label: scores.mean() * 0, weight=1.0, border=2)
    >>> label = torch.zeros(1, 1, 8, 8)
    >>> label[..., 4, 4] = 1
    >>> sure = 20 * torch.cat([1 - label, label], 1)
    >>> float(loss(sure, label)) < 1e-3 < float(loss(sure, 0 * label))
    True
    """

    def __init__(
        self,
        loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
        weight: float = 0.1,
        border: int = 12,
    ) -> None:
        super().__init__()
        self.loss = loss
        self.weight = weight
        self.border = border

    def forward(self, scores: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Return the sum of both losses."""
        presence = presence_scores(self._inside(scores))
        inside = self._inside(label)
        true = holds(inside, scores.shape[1])
        # Where something was not annotated, a structure that was not drawn may be there.
        known = true.maximum((inside != IGNORED).flatten(1).all(dim=1, keepdim=True).float())
        return self.loss(scores, label) + self.weight * binary_cross_entropy_with_logits(
            presence, true, known
        )

    def _inside(self, image: torch.Tensor) -> torch.Tensor:
        if 2 * self.border >= min(image.shape[2:]):
            raise ConfigError(
                f"patches of {tuple(image.shape[2:])} have nothing inside a border of {self.border}",
                "take larger patches, or a smaller --presence_border",
            )
        for axis in range(2, image.ndim):
            image = image.narrow(axis, self.border, image.shape[axis] - 2 * self.border)
        return image


def presence_scores(scores: torch.Tensor) -> torch.Tensor:
    """Return the highest log odds of each foreground class, (batch, classes - 1)."""
    one = scores.log_softmax(dim=1)
    others = torch.log1p(-one.exp().clamp_max(1 - 1e-6))
    return (one - others).flatten(2).amax(dim=2)[:, 1:]


def holds(label: torch.Tensor, classes: int) -> torch.Tensor:
    """Return 1 where a label (batch, 1, …) holds a foreground class, else 0; (batch, classes - 1).

    >>> holds(torch.tensor([[[0, 2]], [[1, 1]]]), 3).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    values = torch.arange(1, classes, device=label.device)
    return (label.flatten(1)[:, :, None] == values).any(dim=1).float()
