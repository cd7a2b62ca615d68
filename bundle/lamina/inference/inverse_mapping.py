"""The inverse mapping from a network's grid to the image's own, one axis at a time.

MONAI's deterministic spatial transforms (orientation, spacing, crop, pad, flip, resize) treat each
axis by itself: so does their inverse, which needs only a few numbers per index of an axis.
`inverse_mapping` reads them from the records of the transforms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
import torch
from monai.data.utils import to_affine_nd
from monai.transforms.utils import scale_affine
from numpy.typing import NDArray

from lamina.transforms.spacing import STRAIGHT, interpolate


class NotSeparableError(Exception):
    """An image was brought to the network's grid by transforms that mix axes."""


@dataclass(frozen=True)
class ResamplingMap:
    """Linear interpolation from an axis of the network's grid to the n indices of an image's axis.

    Parameters
    ----------
    taps
        Indices of the network's axis, (n, k).
    weights
        The weight of each tap, (n, k); a row of zeros is outside of the network's image.
    size
        Length of the network's axis.

    Examples
    --------
    >>> ResamplingMap.identity(3).then(*select(range(2, -1, -1))).taps.flatten().tolist()
    [2, 1, 0]
    """

    taps: torch.Tensor
    weights: torch.Tensor
    size: int

    @classmethod
    def identity(cls, size: int) -> "ResamplingMap":
        """Return the map of an axis that was not changed."""
        return cls(torch.arange(size)[:, None], torch.ones(size, 1), size)

    def then(self, taps: torch.Tensor, weights: torch.Tensor) -> "ResamplingMap":
        """Return the map of an axis that interpolates this one's by ``taps`` and ``weights``."""
        count = len(taps)
        product = (weights[:, :, None] * self.weights[taps]).reshape(count, -1)
        return ResamplingMap(self.taps[taps].reshape(count, -1), product, self.size)

    def to(self, device: torch.device) -> "ResamplingMap":
        """Return the map on another device."""
        return ResamplingMap(self.taps.to(device), self.weights.to(device), self.size)

    def __len__(self) -> int:
        return len(self.taps)


@dataclass(frozen=True)
class InverseMapping:
    """The mapping from a network's grid to an image's.

    Parameters
    ----------
    axes
        One map for each axis of the image, each on one axis of the network's grid.
    order
        ``order[i]`` is the network's axis that the image's axis i lies along.
    """

    axes: tuple[ResamplingMap, ...]
    order: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Size of the image."""
        return tuple(len(axis) for axis in self.axes)


def select(indices: Sequence[int] | range) -> tuple[torch.Tensor, torch.Tensor]:
    """Return taps and weights that select ``indices``; -1 selects nothing."""
    taps = torch.tensor(list(indices), dtype=torch.long)[:, None]
    return taps.clamp_min(0), (taps >= 0).float()


def inverse_mapping(
    operations: Sequence[Mapping[str, Any]], shape: Sequence[int], affine: NDArray[np.float64]
) -> InverseMapping:
    """Return the mapping from a network's grid to the image's, by its recorded operations.

    Parameters
    ----------
    operations
        `MetaTensor.applied_operations` of the image that the network gets.
    shape, affine
        Size of that image without channels, and its indices to RAS+ in mm.

    Raises
    ------
    NotSeparableError
        If one of the operations mixes axes, or is unknown; the message names it.

    Examples
    --------
    >>> inverse_mapping([], (4, 5), np.eye(4)).shape
    (4, 5)
    """
    inverse = _Inverse(tuple(shape), to_affine_nd(len(shape), np.asarray(affine, dtype=float)))
    for operation in reversed(operations):
        inverse.undo(operation)
    return InverseMapping(tuple(inverse.axes), tuple(inverse.order))


class _Inverse:
    """The grid as it was before the operations that have been undone."""

    def __init__(self, shape: tuple[int, ...], affine: NDArray[np.float64]) -> None:
        self.axes = [ResamplingMap.identity(size) for size in shape]
        self.order = list(range(len(shape)))
        self.affine = affine

    def undo(self, operation: Mapping[str, Any]) -> None:
        extra = operation.get("extra_info") or {}
        name = operation["class"]
        if operation.get("lazy"):
            raise NotSeparableError(f"{name} was applied lazily")
        inner = [extra[key] for key in ("pad_info", "crop_info") if key in extra]
        for step in inner:
            self.undo(step)
        if "padded" in extra:
            self._unpad(extra["padded"][1:])
        elif "cropped" in extra:
            self._uncrop(np.reshape(extra["cropped"], (-1, 2)))
        elif name in UNDO:
            UNDO[name](self, operation, extra)
        elif not inner:
            raise NotSeparableError(f"{name} is not known to treat each axis by itself")

    def _unpad(self, padded: Sequence[Sequence[int]]) -> None:
        ends = [(0, 0)] * len(self.axes)
        ends[: len(padded)] = [(int(low), int(high)) for low, high in padded]
        for axis, (low, high) in enumerate(ends):
            self._take(axis, range(low, len(self.axes[axis]) - high))
        self._shift([low for low, _ in ends])

    def _uncrop(self, cropped: NDArray[np.int64]) -> None:
        for axis, (low, high) in enumerate(cropped):
            inside = range(len(self.axes[axis]))
            self._take(axis, [*[-1] * low, *inside, *[-1] * high])
        self._shift([-low for low, _ in cropped])

    def _take(self, axis: int, indices: Sequence[int] | range) -> None:
        self.axes[axis] = self.axes[axis].then(*select(indices))

    def _shift(self, offset: Sequence[int]) -> None:
        move = np.eye(len(self.affine))
        move[: len(offset), -1] = offset
        self.affine = self.affine @ move

    def _flip(self, axis: int) -> None:
        size = len(self.axes[axis])
        self._take(axis, range(size - 1, -1, -1))
        mirror = np.eye(len(self.affine))
        mirror[axis, axis], mirror[axis, -1] = -1, size - 1
        self.affine = self.affine @ mirror

    def unflip(self, _: Mapping[str, Any], extra: Mapping[str, Any]) -> None:
        axes = range(len(self.axes)) if extra["axes"] is None else np.atleast_1d(extra["axes"])
        for axis in axes:
            self._flip(int(axis) % len(self.axes))

    def unorient(self, _: Mapping[str, Any], extra: Mapping[str, Any]) -> None:
        before = to_affine_nd(len(self.axes), np.asarray(extra["original_affine"], dtype=float))
        turn = nib.orientations.ornt_transform(
            nib.orientations.io_orientation(self.affine), nib.orientations.io_orientation(before)
        )
        for axis, (_, sign) in enumerate(turn):
            if sign < 0:
                self._flip(axis)
        before_turn = np.argsort(turn[:, 0])
        self.axes = [self.axes[axis] for axis in before_turn]
        self.order = [self.order[axis] for axis in before_turn]
        self.affine = before

    def unresample(self, operation: Mapping[str, Any], extra: Mapping[str, Any]) -> None:
        if extra["mode"] != "bilinear" or extra["padding_mode"] not in ("border", "zeros"):
            raise NotSeparableError(f"resampled with {extra['mode']}, {extra['padding_mode']}")
        before = to_affine_nd(len(self.axes), np.asarray(extra["src_affine"], dtype=float))
        matrix = np.linalg.solve(self.affine, before)
        sizes = [int(size) for size in operation["orig_size"]]
        turned = matrix[:-1, :-1] - np.diag(matrix.diagonal()[:-1])
        if np.abs(turned * sizes).max() > STRAIGHT:
            raise NotSeparableError("resampled onto axes of other directions")
        for axis, size in enumerate(sizes):
            positions = matrix[axis, axis] * np.arange(size) + matrix[axis, -1]
            border = extra["padding_mode"] == "border"
            steps = interpolate(positions, len(self.axes[axis]), border)
            self.axes[axis] = self.axes[axis].then(*steps)
        self.affine = before

    def unresize(self, operation: Mapping[str, Any], extra: Mapping[str, Any]) -> None:
        corners = extra["align_corners"] in (True, "True")
        if extra["mode"] not in ("bilinear", "trilinear", "linear") or corners or extra["new_dim"]:
            raise NotSeparableError(f"resized with {extra['mode']}, align_corners {corners}")
        sizes = [int(size) for size in operation["orig_size"]]
        now = [len(axis) for axis in self.axes]
        for axis, (size, length) in enumerate(zip(sizes, now, strict=True)):
            positions = (np.arange(size) + 0.5) * (length / size) - 0.5
            self.axes[axis] = self.axes[axis].then(*interpolate(positions, length, border=True))
        scaled = scale_affine(sizes, now)
        self.affine = self.affine @ np.linalg.inv(np.asarray(scaled, dtype=float))


UNDO = {
    "Orientation": _Inverse.unorient,
    "Flip": _Inverse.unflip,
    "SpatialResample": _Inverse.unresample,
    "Spacing": _Inverse.unresample,
    "Resize": _Inverse.unresize,
}
