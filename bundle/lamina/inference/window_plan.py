"""Where the windows over an image lie, and how much each of their voxels counts."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import psutil
import torch
from monai.data.utils import compute_importance_map, dense_patch_slices

BYTES = 2000
"""What a network's inner layers take for each voxel of a window, at most: U-Nets of 32 channels."""

VOXELS = {"cpu": 1 << 20, "cuda": 1 << 23}
"""So many voxels keep a processor busy: more at a time are no faster."""

Place = tuple[int, int, int]
"""The first voxel of a window, along x, y and z."""


@dataclass(frozen=True)
class WindowPlan:
    """Windows over an image, in the order of one axis: behind each of them, the image is done.

    They lie where MONAI's `sliding_window_inference` puts them.

    Parameters
    ----------
    shape
        Size of the image, nowhere smaller than a window.
    size
        Of a window.
    overlap
        Share of a window that the next one covers again.
    mode
        ``gaussian`` or ``constant``.

    Examples
    --------
    >>> plan = WindowPlan((8, 20, 4), (8, 8, 4), 0.5, "constant")
    >>> plan.axis, [place[1] for place in plan.places()]
    (1, [0, 4, 8, 12])
    """

    shape: tuple[int, ...]
    size: tuple[int, ...]
    overlap: float
    mode: str

    @cached_property
    def axis(self) -> int:
        """The axis along which the running sum of the windows is smallest."""
        shares = [size / length for size, length in zip(self.size, self.shape, strict=True)]
        return shares.index(min(shares))

    def places(self) -> Iterator[Place]:
        """Yield the windows' first voxels, ascending along `axis`."""
        starts = [self._starts(axis) for axis in range(3)]
        others = [starts[axis] for axis in range(3) if axis != self.axis]
        for start in starts[self.axis]:
            for pair in itertools.product(*others):
                place = list(pair)
                place.insert(self.axis, start)
                yield place[0], place[1], place[2]

    def _starts(self, axis: int) -> list[int]:
        length, size = self.shape[axis], self.size[axis]
        step = size if length == size else max(int(size * (1 - self.overlap)), 1)
        slices = dense_patch_slices([length], [size], [step])
        return sorted({int(part[0].start) for part in slices})

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
    room = int(_free_bytes(device) / 4) // (voxels * BYTES)
    return max(min(fast, room), 1)


def _free_bytes(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return psutil.virtual_memory().available
