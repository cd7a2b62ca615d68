"""A loss that also asks which structures a patch holds at all."""

from collections.abc import Callable

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from lamina.errors import ConfigError


class PresenceLoss(torch.nn.Module):
    """Add to a loss how well a patch is told to hold each structure or not.

    Where a structure is surest says whether it is there: of each foreground class the highest log
    odds against all other classes count, and are compared with the label (binary cross-entropy).
    Neither looks at a border, where a structure may be cut so that nobody could tell what it is.

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
        told = presence_scores(self._inside(scores))
        true = holds(self._inside(label), scores.shape[1])
        return self.loss(scores, label) + self.weight * binary_cross_entropy_with_logits(told, true)

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
