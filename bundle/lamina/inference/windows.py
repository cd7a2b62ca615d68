"""How a network of fixed dimension goes over an image of any size."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from monai.inferers import Inferer, SliceInferer, SlidingWindowInferer

from lamina.errors import DataError


class WindowInferer(Inferer):
    """Sliding windows over an image as the network's own dimension has it, or slice by slice.

    A 2D network on a volume goes over the slices along the last axis; MONAI's `SliceInferer` and
    `SlidingWindowInferer` do the work.

    Parameters
    ----------
    roi_size
        The window, in voxels along each axis of the network.
    sw_batch_size
        Windows (or slices) that the network gets at a time.
    overlap
        Share of a window that the next one covers again.
    mode
        ``gaussian`` trusts a window's middle more than its border; ``constant`` does not.
    progress
        Show a bar over the windows of each image.

    Examples
    --------
    >>> network = torch.nn.Conv2d(1, 3, 3, padding=1)
    >>> WindowInferer(roi_size=[16, 16])(torch.ones(1, 1, 20, 24, 5), network).shape
    torch.Size([1, 3, 20, 24, 5])
    """

    def __init__(
        self,
        roi_size: Sequence[int],
        sw_batch_size: int = 4,
        overlap: float = 0.25,
        mode: str = "gaussian",
        progress: bool = False,
    ) -> None:
        super().__init__()
        self.dims = len(roi_size)
        windows: dict[str, Any] = {
            "roi_size": tuple(roi_size),
            "sw_batch_size": sw_batch_size,
            "overlap": overlap,
            "mode": mode,
            "progress": progress,
        }
        self.windows = SlidingWindowInferer(**windows)
        self.slices = SliceInferer(spatial_dim=2, **windows) if self.dims == 2 else None

    def __call__(
        self, inputs: torch.Tensor, network: Callable[..., torch.Tensor], *args: Any, **kwargs: Any
    ) -> Any:
        """Return the network's output for ``inputs`` of shape (batch, channels, x, y[, z])."""
        dims = inputs.ndim - 2
        if dims == self.dims:
            return self.windows(inputs, network, *args, **kwargs)
        if self.slices is not None and dims == 3:
            return self.slices(inputs, network, *args, **kwargs)
        raise DataError(
            f"the image has {dims} axes, but the network {self.dims}",
            f"use --spatial_dims {dims}, with weights trained that way",
        )
