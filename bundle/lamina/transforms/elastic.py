"""Elastic deformation of whole batches."""

from collections.abc import Mapping

import torch
from torch.nn.functional import affine_grid, grid_sample, interpolate

from lamina.transforms.batch import Batch


class RandElasticBatchd:
    """Bend each sample at random; image linear, label nearest.

    Points of a coarse grid are moved at random, all between them smoothly with them (after Simard
    et al., 2003, with interpolation in place of a blur, which is faster).

    Parameters
    ----------
    points
        Points of the coarse grid along each axis.
    amount
        Largest shift of a point, as a fraction of the distance between points; up to 0.25 nothing
        folds over itself.
    prob
        The share of samples that are bent.

    Examples
    --------
    >>> batch = {"image": torch.rand(2, 1, 16, 12), "label": torch.ones(2, 1, 16, 12)}
    >>> RandElasticBatchd()(batch)["image"].shape
    torch.Size([2, 1, 16, 12])
    """

    def __init__(self, points: int = 5, amount: float = 0.25, prob: float = 0.5) -> None:
        self.points = points
        self.amount = amount
        self.prob = prob

    def __call__(self, batch: Mapping[str, torch.Tensor]) -> Batch:
        """Return the batch with image and label bent alike."""
        image, label = batch["image"], batch["label"]
        grid = self.grid(len(image), image.shape[2:]).to(image.device)
        bent = grid_sample(image, grid, mode="bilinear", align_corners=False)
        bent_label = grid_sample(label.float(), grid, mode="nearest", align_corners=False)
        return dict(batch) | {"image": bent, "label": bent_label.to(label.dtype)}

    def grid(self, count: int, shape: torch.Size) -> torch.Tensor:
        """Return where each voxel comes from, as `torch.nn.functional.grid_sample` takes it."""
        dims = len(shape)
        still = torch.eye(dims, dims + 1).repeat(count, 1, 1)
        chosen = (torch.rand(count) < self.prob).reshape(-1, *[1] * (dims + 1))
        coarse = 2 * torch.rand(count, dims, *[self.points] * dims) - 1
        # Coordinates run from -1 to 1, over one distance fewer than there are points.
        coarse = coarse * chosen * self.amount * 2 / (self.points - 1)
        smooth = "bicubic" if dims == 2 else "trilinear"
        shifts = interpolate(coarse, size=tuple(shape), mode=smooth, align_corners=True)
        return affine_grid(still, [count, 1, *shape], align_corners=False) + shifts.movedim(1, -1)
