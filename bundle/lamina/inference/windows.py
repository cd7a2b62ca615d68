"""Windows over an image: their size, positions and order."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psutil
import torch
from monai.data.utils import compute_importance_map, dense_patch_slices
from monai.inferers import Inferer, SliceInferer, SlidingWindowInferer

from lamina.errors import DataError


class WindowInferer(Inferer):
    """Sliding windows over an image in the network's own dimension, or slice by slice.

    A 2D network on a volume goes over the slices along the last axis; MONAI's `SliceInferer` and
    `SlidingWindowInferer` do the work.

    Parameters
    ----------
    roi_size
        The window, in voxels along each axis of the network.
    sw_batch_size
        Windows (or slices) that the network gets at a time.
    overlap
        Fraction of a window that the next one overlaps.
    mode
        ``gaussian`` weights a window's middle more than its border; ``constant`` does not.
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
        require_dims(inputs.ndim - 2, self.dims)
        same = inputs.ndim - 2 == self.dims
        inferer = self.windows if same or self.slices is None else self.slices
        return inferer(inputs, network, *args, **kwargs)


def require_dims(image: int, network: int) -> None:
    """Raise DataError where a network of 2 or 3 axes can't run over an image of ``image`` axes."""
    if image != network and (image, network) != (3, 2):
        raise DataError(
            f"the image has {image} axes, but the network {network}",
            f"use --spatial_dims {image}, with weights trained that way",
        )


BYTES = 2000
"""Memory of a network's inner layers per voxel of a window, at most: U-Nets of 32 channels."""

VOXELS = {"cpu": 1 << 20, "cuda": 1 << 23}
"""Voxels that keep a processor busy: more at a time are no faster."""

Offset = tuple[int, int, int]
"""The first voxel of a window, along x, y and z."""


@dataclass(frozen=True)
class WindowPlan:
    """Windows over an image, ordered along one axis, so that it is done up to the current one.

    Positions are those of MONAI's `sliding_window_inference`.

    Parameters
    ----------
    shape
        Size of the image, nowhere smaller than a window.
    size
        Of a window.
    overlap
        Fraction of a window that the next one overlaps.
    mode
        ``gaussian`` or ``constant``.

    Examples
    --------
    >>> plan = WindowPlan((8, 20, 4), (8, 8, 4), 0.5, "constant")
    >>> plan.axis, [offset[1] for offset in plan.offsets()]
    (1, [0, 4, 8, 12])
    """

    shape: tuple[int, ...]
    size: tuple[int, ...]
    overlap: float
    mode: str

    @cached_property
    def axis(self) -> int:
        """The axis along which the running sum of the windows is smallest."""
        fractions = [size / length for size, length in zip(self.size, self.shape, strict=True)]
        return fractions.index(min(fractions))

    def offsets(self) -> Iterator[Offset]:
        """Yield the windows' first voxels, ascending along `axis`."""
        starts = [self._starts(axis) for axis in range(3)]
        others = [starts[axis] for axis in range(3) if axis != self.axis]
        for start in starts[self.axis]:
            for pair in itertools.product(*others):
                offset = list(pair)
                offset.insert(self.axis, start)
                yield offset[0], offset[1], offset[2]

    def _starts(self, axis: int) -> list[int]:
        length, size = self.shape[axis], self.size[axis]
        step = size if length == size else max(int(size * (1 - self.overlap)), 1)
        slices = dense_patch_slices([length], [size], [step])
        return sorted({int(window[0].start) for window in slices})

    def weights(self, device: torch.device) -> torch.Tensor:
        """Return how much a window's voxels count, (x, y, z, 1)."""
        weights = compute_importance_map(self.size, self.mode, device=device)
        return weights[..., None]


def windows_at_a_time(size: Sequence[int], device: torch.device) -> int:
    """Return how many windows a network gets at a time, by what is fast and by free memory.

    >>> windows_at_a_time([96, 96, 96], torch.device("cpu"))
    1
    """
    voxels = math.prod(size)
    fast = VOXELS.get(device.type, VOXELS["cpu"]) // voxels
    affordable = int(_free_bytes(device) / 4) // (voxels * BYTES)
    return max(min(fast, affordable), 1)


def _free_bytes(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return psutil.virtual_memory().available
