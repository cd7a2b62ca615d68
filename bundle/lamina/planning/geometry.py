"""Spacing, patch, window and network that fit a data set."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina.errors import DataError
from lamina.planning import sizes
from lamina.planning.budget import Budget
from lamina.planning.survey import Survey

PATCH_VOXELS = {2: 512 * 512, 3: 64**3}
"""Voxels of a patch that a CPU trains on in good time."""
WHOLE_PICTURE = 640 * 640
"""Pixels up to which pictures of one size stay as they are."""
STEP_VOXELS = {2: 2**21, 3: 2**19}
"""Voxels of a training step."""
LARGEST_BATCH = {2: 32, 3: 8}
BYTES = 40
"""Memory that training takes for a voxel and a channel of the first stage."""
FIRST_CHANNELS = 16
THICK = 3.0
"""Slices so many times as far apart as the pixels in them are seen one by one; as in nnU-Net."""


@dataclass(frozen=True)
class Sizes:
    """Voxels that the network sees in training and at inference, and how often it halves them.

    ``most`` is the largest batch.
    """

    spacing: list[float] | None
    patch: list[int]
    window: list[int]
    strides: list[list[int]]
    resized: bool
    most: int


def choose_dims(survey: Survey, wanted: int | None) -> tuple[int, str]:
    """Return 2 or 3, and why.

    Raises DataError if volumes are asked for where there are pictures.
    """
    if survey.dims == 2:
        if wanted == 3:
            raise DataError("the images are pictures", "plan with --spatial-dims 2")
        return 2, "the images are pictures"
    if wanted == 2:
        return 2, "as asked: slice by slice"
    steps = np.median([case.spacing for case in survey.cases], axis=0)
    times = steps[2] / max(steps[:2])
    if wanted is None and times > THICK:
        return 2, (
            f"slices lie {times:.2g} times as far apart as the pixels in them: one by one, with "
            "their neighbours as channels"
        )
    return 3, "the images are volumes"


def choose_sizes(survey: Survey, dims: int, budget: Budget) -> Sizes:
    """Return spacing, patch, window and halvings for the images' sizes and the memory."""
    spacing = _spacing(survey, dims)
    shapes = np.array([_shape(case.shape, case.spacing, spacing, dims) for case in survey.cases])
    median, largest = np.median(shapes, axis=0), shapes.max(axis=0)
    affordable = int(budget.memory_gb * 1e9 / 2 / BYTES / FIRST_CHANNELS)
    most = min(PATCH_VOXELS[dims], affordable // 2)
    if dims == 2 and math.prod(median) <= WHOLE_PICTURE:
        most = min(WHOLE_PICTURE, affordable // 2)
    resized = spacing is None and (math.prod(median) > most or _vary(shapes))
    limited = sizes.shrunk(median, most) if not resized else _in_proportion(median, most)
    steps = spacing if spacing and dims == 3 else [1.0] * dims
    strides = sizes.pooling([int(n) for n in limited], steps)
    of = sizes.multiples(strides)
    patch = sizes.rounded(limited, of)
    whole = sizes.rounded(largest, of, up=True)
    window = (
        whole if math.prod(whole) <= 4 * most else sizes.rounded(sizes.shrunk(median, 2 * most), of)
    )
    voxels = math.prod(patch)
    batch = int(np.clip(STEP_VOXELS[dims] // voxels, 2, LARGEST_BATCH[dims]))
    batch = max(min(batch, affordable // voxels), 1)
    return Sizes(spacing, patch, patch if resized else window, strides, resized, batch)


def _spacing(survey: Survey, dims: int) -> list[float] | None:
    """Return the median spacing in mm; of a coarse axis the finer tenth, as in nnU-Net."""
    if any(case.unit != "mm" for case in survey.cases) or survey.dims == 2:
        return None
    rows = np.array([case.spacing for case in survey.cases])
    target = np.median(rows, axis=0)
    coarsest = int(target.argmax())
    if target[coarsest] > 3 * np.delete(target, coarsest).max():
        target[coarsest] = np.percentile(rows[:, coarsest], 10)
    if dims == 2:
        target[2] = -1.0
    return [float(f"{step:.4g}") for step in target]


def _shape(
    shape: Sequence[int], steps: Sequence[float], target: Sequence[float] | None, dims: int
) -> list[float]:
    if target is None:
        return [float(n) for n in shape[:dims]]
    return [n * step / aim for n, step, aim in zip(shape, steps, target, strict=True)][:dims]


def _vary(shapes: np.ndarray) -> bool:
    return bool((shapes.max(axis=0) > 1.3 * shapes.min(axis=0)).any())


def _in_proportion(size: Sequence[float], most: int) -> list[float]:
    scale = min(1.0, (most / math.prod(size)) ** (1 / len(size)))
    return [n * scale for n in size]


LARGE = 224 * 224
"""Pixels of a patch from which the first stage works at half of the resolution."""


def network_def(chosen: Sizes, norm: str) -> tuple[dict[str, Any], str]:
    """Return the network as a task file names it, and why it is that one."""
    shared: dict[str, Any] = {
        "spatial_dims": "@spatial_dims",
        "in_channels": "@task#in_channels",
        "out_channels": "@num_classes",
    }
    filters = sizes.channels(len(chosen.strides), FIRST_CHANNELS)
    halvings = len(chosen.strides) - 1
    if len(chosen.patch) == 2 and math.prod(chosen.patch) >= LARGE:
        network: dict[str, Any] = {"_target_": "UNet", **shared, "channels": filters}
        network |= {"strides": chosen.strides[1:], "num_res_units": 2, "norm": norm}
        return network, (
            f"large pictures: the first stage has half of their resolution, at a fraction of the "
            f"time; each axis is halved while it has {2 * sizes.SMALLEST} pixels, {halvings} times "
            "at most"
        )
    network = {"_target_": "DynUNet", **shared, "kernel_size": sizes.kernels(chosen.strides)}
    network |= {"strides": chosen.strides, "upsample_kernel_size": chosen.strides[1:]}
    network |= {"filters": filters, "norm_name": norm}
    return network, (
        f"each axis is halved while it has {2 * sizes.SMALLEST} voxels and is not much coarser than "
        f"the others: {halvings} times at most"
    )
