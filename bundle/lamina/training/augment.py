"""Augmentation of whole batches, once they are on the device."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from monai.engines import PrepareBatch
from monai.utils import CommonKeys


class PrepareAugmentedBatch(PrepareBatch):
    """Move a batch to the device and augment it there as a whole.

    Parameters
    ----------
    augmentation
        Takes and returns a dict with ``image`` and ``label``, batch first.

    Examples
    --------
    >>> batch = {"image": torch.ones(2, 1, 4, 4), "label": torch.ones(2, 1, 4, 4)}
    >>> double = PrepareAugmentedBatch(lambda b: {**b, "image": b["image"] * 2})
    >>> image, label = double(batch, device=torch.device("cpu"))
    >>> image.mean().item(), label.mean().item()
    (2.0, 1.0)
    """

    def __init__(
        self, augmentation: Callable[[dict[str, torch.Tensor]], Mapping[str, Any]]
    ) -> None:
        self.augmentation = augmentation

    def __call__(
        self,
        batchdata: Mapping[str, torch.Tensor],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return image and label of one batch."""
        batch = {
            str(key): batchdata[key].to(device=device, non_blocking=non_blocking, **kwargs)
            for key in (CommonKeys.IMAGE, CommonKeys.LABEL)
        }
        with torch.no_grad():
            moved = self.augmentation(batch)
        return moved[CommonKeys.IMAGE], moved[CommonKeys.LABEL]
