"""Resampling along one axis after the other, with MONAI's own records."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import monai.transforms
import numpy as np
import torch
from monai.data import MetaTensor
from monai.utils import LazyAttr, TraceKeys
from numpy.typing import NDArray

Steps = tuple[torch.Tensor, torch.Tensor]
"""For each index along a new axis its two neighbours (n, 2) on the old one, and their weights."""


def interpolate(positions: NDArray[np.floating[Any]], size: int, border: bool) -> Steps:
    """Return taps and weights of linear interpolation at ``positions`` of an axis of ``size``.

    Beyond the axis its first or last value is repeated (``border``), or weights are 0.

    >>> interpolate(np.array([0.25, 9.0]), 3, border=True)[1].tolist()
    [[0.75, 0.25], [1.0, 0.0]]
    """
    x = torch.as_tensor(positions)
    x = x.clamp(0, size - 1) if border else x
    low = x.floor()
    weight = (x - low).float()
    taps = torch.stack([low, low + 1], 1).long()
    weights = torch.stack([1 - weight, weight], 1)
    weights[(taps < 0) | (taps >= size)] = 0
    return taps.clamp(0, size - 1), weights


def resample(values: torch.Tensor, steps: Sequence[Steps]) -> torch.Tensor:
    """Return an image on another grid, whose axes lie along those of its own.

    It goes plane by plane along the first axis, so that only the result is held beside the image.

    Parameters
    ----------
    values
        (channels, x, y[, z]).
    steps
        For each axis, of `interpolate`.

    Returns
    -------
    The image in float32.

    Examples
    --------
    >>> middle = interpolate(np.array([0.5]), 2, border=True)
    >>> resample(torch.tensor([[[0.0, 1.0], [2.0, 3.0]]]), [middle, middle])
    tensor([[[1.5000]]])
    """
    (taps, weights), *others = steps
    shape = [len(taps) for taps, _ in steps]
    result = torch.empty(len(values), *shape, dtype=torch.float32, device=values.device)
    rows = zip(taps.tolist(), weights.tolist(), strict=True)
    for index, ((low, high), (first, second)) in enumerate(rows):
        plane = values[:, low] * first
        if second:
            plane = plane.add_(values[:, high], alpha=second)
        for axis, step in enumerate(others):
            plane = _along(plane.float(), axis + 1, step)
        result[:, index] = plane
    return result


def _along(plane: torch.Tensor, axis: int, steps: Steps) -> torch.Tensor:
    taps, weights = (tensor.to(plane.device) for tensor in steps)
    shape = [-1 if i == axis else 1 for i in range(plane.ndim)]
    low, high = (plane.index_select(axis, column) for column in taps.T)
    first, second = (column.reshape(shape) for column in weights.T)
    return low.mul_(first).addcmul_(high, second)


STRAIGHT = 1e-3
"""Voxels by which a resampling may deviate from its axis."""

UNCHANGED = 1e-3
"""Relative difference of affines up to which MONAI does not resample."""


class SpatialResample(monai.transforms.SpatialResample):
    """MONAI's transform, computed along one axis after the other where that is equivalent.

    It is for linear interpolation onto axes of the same directions. MONAI computes the position of
    each voxel in float64 first, several times the size of the image. The record is MONAI's own, so
    that its inverse works.
    """

    def __call__(
        self,
        img: torch.Tensor,
        dst_affine: torch.Tensor | None = None,
        spatial_size: Any = None,
        mode: Any = None,
        padding_mode: Any = None,
        align_corners: bool | None = None,
        dtype: Any = None,
        lazy: bool | None = None,
    ) -> torch.Tensor:
        """Return the image (channels, x, y[, z]) on the grid of ``dst_affine``."""
        arguments = (dst_affine, spatial_size, mode, padding_mode, align_corners, dtype)
        eager = not (self.lazy if lazy is None else lazy)
        if eager and isinstance(img, MetaTensor) and not img.pending_operations:
            planned: Any = super().__call__(img, *arguments, lazy=True)
            step = planned.pending_operations[-1]
            steps = _steps(step, tuple(img.shape[1:]))
            if steps is not None:
                return _recorded(img, resample(img.as_tensor(), steps), step)
        return super().__call__(img, *arguments, lazy=lazy)


class Spacingd(monai.transforms.Spacingd):
    """MONAI's ``Spacingd``, with `SpatialResample` of this module; arguments are the same.

    >>> image = MetaTensor(torch.ones(1, 5, 7, 9), affine=np.diag([1.0, 2.0, 2.0, 1.0]))
    >>> Spacingd("image", (2.0, 2.0, 4.0))({"image": image})["image"].shape
    torch.Size([1, 3, 7, 5])
    """

    @functools.wraps(monai.transforms.Spacingd.__init__)  # type: ignore[misc]
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.spacing_transform.sp_resample = _like(self.spacing_transform.sp_resample)


def _like(other: monai.transforms.SpatialResample) -> SpatialResample:
    return SpatialResample(
        other.mode, other.padding_mode, other.align_corners, other.dtype, other.lazy
    )


def _steps(step: Mapping[str, Any], shape: tuple[int, ...]) -> list[Steps] | None:
    """Return the steps along each axis of an operation, None if it is of another kind."""
    extra, sizes = step["extra_info"], [int(n) for n in step[LazyAttr.SHAPE]]
    matrix = np.asarray(step[LazyAttr.AFFINE], dtype=float)
    dims = len(sizes)
    if extra["mode"] != "bilinear" or extra["padding_mode"] not in ("border", "zeros"):
        return None
    if len(shape) != dims or len(matrix) != dims + 1 or _unchanged(matrix, shape, sizes):
        return None
    turned = matrix[:-1, :-1] - np.diag(matrix.diagonal()[:-1])
    if np.abs(turned * sizes).max() > STRAIGHT:
        return None
    border = extra["padding_mode"] == "border"
    positions = [matrix[i, i] * np.arange(n) + matrix[i, -1] for i, n in enumerate(sizes)]
    return [interpolate(at, n, border) for at, n in zip(positions, shape, strict=True)]


def _unchanged(matrix: np.ndarray, shape: tuple[int, ...], sizes: list[int]) -> bool:
    return list(shape) == sizes and np.allclose(matrix, np.eye(len(matrix)), atol=UNCHANGED)


def _recorded(img: MetaTensor, values: torch.Tensor, step: Mapping[str, Any]) -> MetaTensor:
    """Return resampled values with the metadata and the record that MONAI would give them."""
    record = {key: value for key, value in step.items() if key not in set(LazyAttr)}
    record[TraceKeys.LAZY] = False
    matrix = torch.as_tensor(step[LazyAttr.AFFINE], dtype=torch.float64)
    before = img.affine.to(torch.float64).cpu()
    if len(matrix) < len(before):
        matrix = torch.block_diag(matrix, torch.eye(len(before) - len(matrix), dtype=torch.float64))
    result = MetaTensor(values).copy_meta_from(img)
    result.affine = before @ matrix
    result.applied_operations = [*img.applied_operations, record]
    return result
