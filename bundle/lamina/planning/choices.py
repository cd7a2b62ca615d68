"""What suits a data set: each choice of a task file with its reason beside it."""

import colorsys
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lamina.errors import DataError
from lamina.files import read_json
from lamina.planning import sizes
from lamina.planning.intensities import intensity_step
from lamina.planning.sides import sided
from lamina.planning.survey import Survey, median_of
from lamina.planning.timing import seconds_per_step
from lamina.tasks.labels import Colour

TEMPLATE = Path(__file__).parent / "template.json"
PATCH_VOXELS = {2: 512 * 512, 3: 64**3}
"""Voxels of a patch that a CPU trains on in good time."""
STEP_VOXELS = {2: 2**21, 3: 2**19}
"""Voxels of a training step."""
BYTES = 40
"""Memory that training takes for a voxel and a channel of the first stage."""
FIRST_CHANNELS = 16
SLICES = 8
"""Slices of a volume that a 2D network sees in an epoch."""
TRAINING_SHARE = 0.75
"""Of the time; the rest is reading, validation and the end."""
EPOCHS = (10, 400)


@dataclass(frozen=True)
class Budget:
    """What a training may take: minutes on this machine, gigabytes of memory."""

    minutes: float = 30.0
    memory_gb: float = 8.0


@dataclass(frozen=True)
class Sizes:
    """Voxels that the network sees in training and at inference, and the network itself."""

    spacing: list[float] | None
    patch: list[int]
    window: list[int]
    strides: list[list[int]]
    resized: bool
    batch: int


def plan_task(
    survey: Survey,
    name: str,
    names: Mapping[int, str],
    *,
    dims: int | None = None,
    background: int = 0,
    budget: Budget | None = None,
    step_seconds: float | None = None,
) -> dict[str, Any]:
    """Return a task file's content for a data set.

    Parameters
    ----------
    survey
        What the cases hold.
    name
        Of the task.
    names
        Of the structures, by the value that label files hold.
    dims
        2 or 3; by default that of the images.
    background
        The value of label files that is no structure.
    budget
        Time and memory of a training.
    step_seconds
        How long a training step takes; measured by default.

    Raises
    ------
    DataError
        If there is no structure, or volumes are asked for where there are pictures.
    """
    budget, dims = budget or Budget(), dims or survey.dims
    if not survey.values:
        raise DataError("no label holds a structure", "draw some, or name another --background")
    if dims > survey.dims:
        raise DataError("the images are pictures", "plan with --spatial-dims 2")
    template = read_json(TEMPLATE)
    chosen = choose_sizes(survey, dims, budget)
    network = _network(chosen)
    classes = len(survey.values) + 1
    seconds = step_seconds or seconds_per_step(network, chosen.patch, chosen.batch, classes)
    side = sided(survey, names)
    task: dict[str, Any] = {"name": name, "title": f"{', '.join(names[v] for v in survey.values)}"}
    task |= {"_desc_spatial_dims": _why_dims(survey, dims), "spatial_dims": dims, "in_channels": 1}
    task |= {
        "labels": _labels(survey.values, names),
        "label_values": _codes(survey.values, background),
    }
    task |= {"phantoms": None, "fractions": _fractions(len(survey.cases))}
    task |= _preprocessing(survey, chosen, template)
    task |= _patches(survey, chosen, dims, budget)
    task |= _augmentation(template, side)
    task |= {
        "_desc_network_def": _why_network(chosen),
        "network_def": network,
        "loss": template["loss"],
    }
    task |= _schedule(len(survey.cases), chosen, dims, budget, seconds)
    return task | {"measure": template["measure"], "citation": "", "licence": ""}


def choose_sizes(survey: Survey, dims: int, budget: Budget) -> Sizes:
    """Return spacing, patch, window, network and batch for the images' sizes and the memory."""
    spacing = _spacing(survey, dims)
    shapes = np.array([_shape(one.shape, one.spacing, spacing, dims) for one in survey.cases])
    median, largest = np.median(shapes, axis=0), shapes.max(axis=0)
    most = int(min(PATCH_VOXELS[dims], budget.memory_gb * 1e9 / 2 / 2 / BYTES / FIRST_CHANNELS))
    steps = spacing[:dims] if spacing else [1.0] * dims
    resized = spacing is None and (math.prod(median) > most or _vary(shapes))
    limited = sizes.shrunk(median, most) if not resized else _in_proportion(median, most)
    strides = sizes.pooling([int(n) for n in limited], steps)
    of = sizes.multiples(strides)
    patch = sizes.rounded(limited, of)
    whole = sizes.rounded(largest, of, up=True)
    window = (
        whole if math.prod(whole) <= 4 * most else sizes.rounded(sizes.shrunk(median, 2 * most), of)
    )
    batch = int(np.clip(STEP_VOXELS[dims] // math.prod(patch), 2, 32 if dims == 2 else 8))
    batch = max(
        min(batch, int(budget.memory_gb * 1e9 / 2 / BYTES / FIRST_CHANNELS / math.prod(patch))), 1
    )
    return Sizes(spacing, patch, patch if resized else window, strides, resized, batch)


def _spacing(survey: Survey, dims: int) -> list[float] | None:
    """Return the median spacing in mm; of a coarse axis the finer tenth, as in nnU-Net."""
    if any(one.unit != "mm" for one in survey.cases) or survey.dims == 2:
        return None
    rows = np.array([one.spacing for one in survey.cases])
    target = np.median(rows, axis=0)
    coarsest = int(target.argmax())
    if target[coarsest] > 3 * np.delete(target, coarsest).max():
        target[coarsest] = np.percentile(rows[:, coarsest], 10)
    if dims == 2:
        target[2] = -1.0
    return [round(float(step), 3) for step in target]


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


def _network(chosen: Sizes) -> dict[str, Any]:
    return {
        "_target_": "DynUNet",
        "spatial_dims": "@spatial_dims",
        "in_channels": "@task#in_channels",
        "out_channels": "@num_classes",
        "kernel_size": sizes.kernels(chosen.strides),
        "strides": chosen.strides,
        "upsample_kernel_size": chosen.strides[1:],
        "filters": sizes.channels(len(chosen.strides), FIRST_CHANNELS),
        "norm_name": "batch" if chosen.batch > 2 else "instance",
    }


def _why_dims(survey: Survey, dims: int) -> str:
    if survey.dims == 2:
        return "the images are pictures"
    if dims == 2:
        return "as asked: slice by slice"
    return "the images are volumes"


def _why_network(chosen: Sizes) -> str:
    return (
        f"each axis is halved while it has {2 * sizes.SMALLEST} voxels and is not much coarser than "
        f"the others: {len(chosen.strides) - 1} times at most"
    )


def _labels(values: Sequence[int], names: Mapping[int, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"value": 0, "name": "background", "color": [0, 0, 0]}]
    for index, value in enumerate(values):
        found.append({"value": index + 1, "name": names[value], "color": list(colour_of(index))})
    return found


def colour_of(index: int) -> Colour:
    """Return a colour far from those before it: hues by the golden ratio."""
    hue = (0.58 + index * 0.618034) % 1.0
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.75, 0.95))
    return red, green, blue


def _codes(values: Sequence[int], background: int) -> dict[str, int] | None:
    if background == 0 and list(values) == list(range(1, len(values) + 1)):
        return None
    return {str(background): 0} | {str(value): index + 1 for index, value in enumerate(values)}


def _fractions(cases: int) -> list[float]:
    return [0.7, 0.1, 0.2] if cases >= 20 else [0.6, 0.2, 0.2]


def _preprocessing(survey: Survey, chosen: Sizes, template: Mapping[str, Any]) -> dict[str, Any]:
    steps = list(template["load"])
    if chosen.spacing:
        steps += [template["orientation"], template["spacing"]]
    elif chosen.resized:
        steps.append(template["resize"])
    intensity, reason = intensity_step(survey)
    found: dict[str, Any] = {"_desc_preprocessing": f"intensities: {reason}"}
    if chosen.spacing:
        found["_desc_spacing"] = (
            f"the median of the cases, {_text(median_of([c.spacing for c in survey.cases]))} mm"
        )
        found["spacing"] = chosen.spacing
    elif chosen.resized:
        found["_desc_preprocessing"] += "; pictures of many sizes, or large ones, are resized"
    return found | {"preprocessing": [*steps, intensity]}


def _patches(survey: Survey, chosen: Sizes, dims: int, budget: Budget) -> dict[str, Any]:
    key = str(dims)
    median = median_of([one.shape for one in survey.cases])
    return {
        "_desc_patch_size": f"images have {_text(median)} voxels (median); limited by time and "
        f"{budget.memory_gb:g} GB of memory",
        "patch_size": {key: chosen.patch},
        "window_size": {key: chosen.window},
        "patches_per_case": {key: SLICES if dims < survey.dims else 1},
        "batch_size": {key: chosen.batch},
    }


def _augmentation(template: Mapping[str, Any], side: str | None) -> dict[str, Any]:
    affine = template["affine"] | {"flip_axes": [] if side else [0]}
    why = f"not mirrored: {side}" if side else "mirrored along x: no structure has a side"
    return {
        "_desc_augmentation": why,
        "augmentation": {"_target_": "Compose", "transforms": [affine, template["intensity"]]},
    }


def _schedule(
    cases: int, chosen: Sizes, dims: int, budget: Budget, seconds: float
) -> dict[str, Any]:
    """Return as many epochs as the time allows, by the measured time of a step."""
    trained = max(int(cases * _fractions(cases)[0]), 1)
    patches = trained * (SLICES if chosen.spacing and chosen.spacing[-1] == -1.0 else 1)
    epoch = math.ceil(patches / chosen.batch) * seconds
    possible = int(budget.minutes * 60 * TRAINING_SHARE / epoch)
    epochs = int(np.clip(possible, *EPOCHS))
    rate = float(np.clip(0.003 * math.sqrt(chosen.batch / 8), 0.001, 0.004))
    why = (
        f"what {budget.minutes:g} minutes allow: a step takes {seconds:.2g} s here, an epoch "
        f"{epoch:.2g} s; from {EPOCHS[0]} to {EPOCHS[1]}"
    )
    return {
        "_desc_epochs": why,
        "epochs": {str(dims): epochs},
        "lr": round(rate, 4),
        "val_interval": max(epochs // 15, 1),
    }


def _text(numbers: Sequence[float]) -> str:
    return " × ".join(f"{number:.4g}" for number in numbers)
