"""Functions that take batches of one size, for what compiles a network for one size alone."""

from collections.abc import Callable

import torch

Network = Callable[[torch.Tensor], torch.Tensor]


def padded_batches(run: Callable[[torch.Tensor], object], batch: int) -> Network:
    """Let a function that takes batches of one size take smaller ones too.

    >>> padded_batches(lambda images: (images + 1).numpy(), 3)(torch.zeros(2, 1)).tolist()
    [[1.0], [1.0]]
    """

    def padded(images: torch.Tensor) -> torch.Tensor:
        missing = batch - len(images)
        whole = torch.cat([images, images[:1].expand(missing, *images.shape[1:])])
        return torch.as_tensor(run(whole.contiguous()))[: len(images)]

    return padded
