"""Augmentation of whole batches as tensors, where the network runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch.nn.functional import affine_grid, grid_sample, interpolate

Batch = dict[str, torch.Tensor]


@dataclass(eq=False)
class RandAffineBatchd:
    """Rotate, scale, shear, move and mirror each sample at random; image linear, label nearest.

    Parameters
    ----------
    rotate_range
        Largest angle in radians, the same for every plane or one per plane (x-y, x-z, y-z).
    scale_range
        Largest relative change of size, one value or one per axis.
    shear_range
        Largest shear, one value or one per axis.
    translate_range
        Largest shift as a fraction of the image's size, one value or one per axis.
    flip_axes
        Axes that are mirrored in half of the samples: 0 is x. Leave out those along which left and
        right, or up and down, mean something.
    prob
        The fraction of samples that are rotated, scaled, sheared and moved.
    spacing
        Voxel size along each axis (any unit), so that angles are right where voxels are not cubes.

    Examples
    --------
    >>> batch = {"image": torch.rand(2, 1, 8, 6), "label": torch.ones(2, 1, 8, 6)}
    >>> RandAffineBatchd(rotate_range=0.3)(batch)["image"].shape
    torch.Size([2, 1, 8, 6])
    """

    rotate_range: float | Sequence[float] = 0.0
    scale_range: float | Sequence[float] = 0.0
    shear_range: float | Sequence[float] = 0.0
    translate_range: float | Sequence[float] = 0.0
    flip_axes: Sequence[int] = ()
    prob: float = 1.0
    spacing: Sequence[float] | None = None

    def __call__(self, batch: Mapping[str, torch.Tensor]) -> Batch:
        """Return the batch with image and label moved alike."""
        image = batch["image"]
        theta = self.matrices(len(image), image.shape[2:]).to(image.device)
        size = [len(image), 1, *image.shape[2:]]
        return _sampled(batch, affine_grid(theta, size, align_corners=False))

    def matrices(self, count: int, shape: Sequence[int]) -> torch.Tensor:
        """Return (count, dims, dims + 1) matrices in the normalised coordinates of affine_grid.

        Rows and columns run z, y, x as `torch.nn.functional.affine_grid` has them, where every
        axis reaches from -1 to 1: hence the extents around the turn in millimetres.
        """
        dims = len(shape)
        spacing = self.spacing or [1.0] * dims
        extent = torch.tensor([n * s for n, s in zip(shape, spacing, strict=True)])
        linear = _rotations(_uniform(count, dims * (dims - 1) // 2, self.rotate_range), dims)
        linear = linear @ torch.diag_embed(1 + _uniform(count, dims, self.scale_range))
        linear = linear @ _shears(_uniform(count, dims, self.shear_range), dims)
        shift = 2 * _uniform(count, dims, self.translate_range)
        keep = (torch.rand(count) >= self.prob)[:, None]
        linear = torch.where(keep[..., None], torch.eye(dims), linear)
        shift = torch.where(keep, torch.zeros(dims), shift)
        linear = linear * extent[None, None, :] / extent[None, :, None] @ self._flips(count, dims)
        return (
            torch.cat([linear, shift[..., None]], dim=2)
            .flip([1])
            .index_select(2, torch.tensor([*reversed(range(dims)), dims]))
        )

    def _flips(self, count: int, dims: int) -> torch.Tensor:
        signs = torch.ones(count, dims)
        for axis in self.flip_axes:
            signs[:, axis] = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
        return torch.diag_embed(signs)


@dataclass(eq=False)
class RandIntensityBatchd:
    """Change brightness, contrast, gamma and noise of each sample at random.

    All amounts are in units of the sample's own standard deviation or range, so that they hold
    for any normalisation. The label is returned as it is.

    Parameters
    ----------
    brightness
        Largest shift, in standard deviations.
    contrast
        Largest relative change of the distance from the mean.
    gamma
        Largest change of the exponent's logarithm, applied between minimum and maximum.
    noise
        Largest standard deviation of Gaussian noise, in standard deviations.
    prob
        The fraction of samples that each change is applied to.

    Examples
    --------
    >>> batch = {"image": torch.rand(2, 1, 8, 6), "label": torch.ones(2, 1, 8, 6)}
    >>> changed = RandIntensityBatchd(contrast=0.2)(batch)
    >>> changed["label"] is batch["label"]
    True
    """

    brightness: float = 0.0
    contrast: float = 0.0
    gamma: float = 0.0
    noise: float = 0.0
    prob: float = 1.0

    def __call__(self, batch: Mapping[str, torch.Tensor]) -> Batch:
        """Return the batch with the image changed."""
        image = batch["image"]
        image = self._gamma(image) if self.gamma else image
        axes = tuple(range(2, image.ndim))
        mean = image.mean(axes, keepdim=True)
        deviation = image.std(axes, keepdim=True)
        gain = 1 + self._amount(image, self.contrast)
        shift = self._amount(image, self.brightness) * deviation
        image = (image - mean) * gain + mean + shift
        if self.noise:
            strength = self._amount(image, self.noise).abs() * deviation
            image = image + strength * torch.randn_like(image)
        return dict(batch) | {"image": image}

    def _amount(self, image: torch.Tensor, largest: float) -> torch.Tensor:
        shape = (len(image), *[1] * (image.ndim - 1))
        chosen = torch.rand(shape) < self.prob
        return (chosen * (2 * torch.rand(shape) - 1) * largest).to(image.device)

    def _gamma(self, image: torch.Tensor) -> torch.Tensor:
        axes = tuple(range(1, image.ndim))
        low, high = image.amin(axes, keepdim=True), image.amax(axes, keepdim=True)
        width = (high - low).clamp_min(torch.finfo(image.dtype).eps)
        exponent = self._amount(image, self.gamma).exp()
        return ((image - low) / width).pow(exponent) * width + low


def _sampled(batch: Mapping[str, torch.Tensor], grid: torch.Tensor) -> Batch:
    label = batch["label"]
    image = grid_sample(batch["image"], grid, mode="bilinear", align_corners=False)
    sampled = grid_sample(label.float(), grid, mode="nearest", align_corners=False)
    return dict(batch) | {"image": image, "label": sampled.to(label.dtype)}


def _uniform(count: int, columns: int, largest: float | Sequence[float]) -> torch.Tensor:
    bounds = torch.as_tensor(largest, dtype=torch.float32).expand(columns)
    return (2 * torch.rand(count, columns) - 1) * bounds


def _rotations(angles: torch.Tensor, dims: int) -> torch.Tensor:
    """Return the product of one rotation per plane, in the order x-y, x-z, y-z."""
    planes = [(i, j) for i in range(dims) for j in range(i + 1, dims)]
    result = torch.eye(dims).expand(len(angles), dims, dims)
    for (i, j), angle in zip(planes, angles.T, strict=True):
        turn = torch.eye(dims).repeat(len(angles), 1, 1)
        turn[:, i, i] = turn[:, j, j] = angle.cos()
        turn[:, i, j], turn[:, j, i] = -angle.sin(), angle.sin()
        result = result @ turn
    return result


def _shears(amounts: torch.Tensor, dims: int) -> torch.Tensor:
    """Return matrices that shear axis i along the next one."""
    result = torch.eye(dims).repeat(len(amounts), 1, 1)
    for axis in range(dims):
        result[:, axis, (axis + 1) % dims] += amounts[:, axis]
    return result


@dataclass(eq=False)
class RandElasticBatchd:
    """Bend each sample at random; image linear, label nearest.

    Points of a coarse grid are moved at random, with smooth interpolation between them (after Simard
    et al., 2003, who blur instead, which is slower).

    Parameters
    ----------
    points
        Points of the coarse grid along each axis.
    amount
        Largest shift of a point, as a fraction of the distance between points; up to 0.25 nothing
        folds over itself.
    prob
        The fraction of samples that are bent.

    Examples
    --------
    >>> batch = {"image": torch.rand(2, 1, 16, 12), "label": torch.ones(2, 1, 16, 12)}
    >>> RandElasticBatchd()(batch)["image"].shape
    torch.Size([2, 1, 16, 12])
    """

    points: int = 5
    amount: float = 0.25
    prob: float = 0.5

    def __call__(self, batch: Mapping[str, torch.Tensor]) -> Batch:
        """Return the batch with image and label bent alike."""
        image = batch["image"]
        return _sampled(batch, self.grid(len(image), image.shape[2:]).to(image.device))

    def grid(self, count: int, shape: torch.Size) -> torch.Tensor:
        """Return the source position of each voxel, as for `torch.nn.functional.grid_sample`."""
        dims = len(shape)
        identity = torch.eye(dims, dims + 1).repeat(count, 1, 1)
        chosen = (torch.rand(count) < self.prob).reshape(-1, *[1] * (dims + 1))
        coarse = 2 * torch.rand(count, dims, *[self.points] * dims) - 1
        # Coordinates run from -1 to 1, over one distance fewer than there are points.
        coarse = coarse * chosen * self.amount * 2 / (self.points - 1)
        smooth = "bicubic" if dims == 2 else "trilinear"
        shifts = interpolate(coarse, size=tuple(shape), mode=smooth, align_corners=True)
        return affine_grid(identity, [count, 1, *shape], align_corners=False) + shifts.movedim(
            1, -1
        )
