"""Where the windows over an image lie, and how much each of their voxels counts."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from monai.data.utils import compute_importance_map, dense_patch_slices

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
