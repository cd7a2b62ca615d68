"""From a survey to a task file, each choice with its reason."""

import colorsys
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lamina.cases.splits import default_fractions
from lamina.errors import DataError
from lamina.files import read_json
from lamina.planning.budget import Budget, Schedule, schedule, seconds_per_patch
from lamina.planning.geometry import Sizes, choose_dims, choose_sizes, network_def
from lamina.planning.intensities import intensity_steps
from lamina.planning.survey import CaseSurvey, Survey, median_of
from lamina.readers.label_values import threshold_values
from lamina.tasks.config_text import escape_text
from lamina.tasks.labels import IGNORE, Colour, named_side

TEMPLATE = Path(__file__).parent / "template.json"
SLICES = 8
"""Slices of a volume that a 2D network sees in an epoch."""
NEIGHBOURS = 3
"""Slices that a 2D network sees at once, as channels."""
FEW = 50
"""Cases below which shapes are varied more in training."""


def plan_task(
    survey: Survey,
    name: str,
    names: Mapping[int, str],
    *,
    dims: int | None = None,
    background: int = 0,
    ignore: int | None = None,
    threshold: float | None = None,
    budget: Budget | None = None,
    patch_seconds: float | None = None,
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
    dims, budget
        2 or 3, and time and memory; chosen by `choose_dims`, and half an hour, by default.
    background
        The value of label files that is no structure.
    ignore, threshold
        As `lamina.planning.survey_cases.survey_cases` takes them.
    patch_seconds
        How long training takes for one patch; measured by default.

    Raises
    ------
    DataError
        If there is no structure, or volumes are asked for where there are pictures.
    """
    if not survey.values:
        raise DataError("no label holds a structure", "draw some, or name another --background")
    budget = budget or Budget()
    dims, why_dims = choose_dims(survey, dims)
    template = read_json(TEMPLATE)
    chosen = choose_sizes(survey, dims, budget)
    channels = _channels(survey, dims)
    network, why_network = network_def(chosen, "batch" if chosen.most > 2 else "instance")
    seconds = patch_seconds or seconds_per_patch(
        network, chosen.patch, chosen.most, len(survey.values) + 1, channels
    )
    plan = _schedule(survey, chosen, dims, seconds, budget)
    task: dict[str, Any] = {
        "name": name,
        "title": _title(survey, names),
        "_desc_spatial_dims": why_dims,
    }
    task |= {"spatial_dims": dims, "in_channels": channels}
    task |= _classes(survey, names, _codes(survey.values, background, ignore, threshold))
    task |= _preprocessing(survey, chosen, dims, template)
    task |= _patches(survey, chosen, dims, budget, plan)
    task |= _augmentation(template, sided(survey, names), len(survey.cases))
    task |= {"_desc_network_def": why_network, "network_def": network, "loss": template["loss"]}
    task |= {"_desc_epochs": plan.reason, "epochs": {str(dims): plan.epochs}, "lr": plan.rate}
    task["val_interval"] = max(plan.epochs // 15, 1)
    return task | {"measure": template["measure"], "citation": "", "licence": ""}


def _title(survey: Survey, names: Mapping[int, str]) -> str:
    title = ", ".join(names[value] for value in survey.values)
    return title if escape_text(title) == title else f"{len(survey.values)} structures"


def _classes(
    survey: Survey, names: Mapping[int, str], codes: Mapping[str, int | str] | None
) -> dict[str, Any]:
    return {
        "labels": _labels(survey.values, names),
        "label_values": codes,
        "phantoms": None,
        "fractions": list(default_fractions(len(survey.cases))),
    }


def _channels(survey: Survey, dims: int) -> int:
    return 3 if _coloured(survey) or dims < survey.dims else 1


def _coloured(survey: Survey) -> bool:
    return Counter(one.source for one in survey.cases).most_common(1)[0][0] == "picture, colour"


def _schedule(survey: Survey, chosen: Sizes, dims: int, seconds: float, budget: Budget) -> Schedule:
    cases = max(int(len(survey.cases) * default_fractions(len(survey.cases))[0]), 1)
    patches = cases * (SLICES if dims < survey.dims else 1)
    return schedule(patches, chosen.most, dims, seconds, budget, cases)


def _labels(values: Sequence[int], names: Mapping[int, str]) -> list[dict[str, Any]]:
    labels: list[dict[str, Any]] = [{"value": 0, "name": "background", "color": [0, 0, 0]}]
    for index, value in enumerate(values):
        name = escape_text(names[value])
        labels.append({"value": index + 1, "name": name, "color": list(colour_of(index))})
    return labels


def colour_of(index: int) -> Colour:
    """Return a colour far from those before it: hues by the golden ratio."""
    hue = (0.58 + index * 0.618034) % 1.0
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.75, 0.95))
    return red, green, blue


def _codes(
    values: Sequence[int], background: int, ignore: int | None, threshold: float | None
) -> dict[str, int | str] | None:
    if threshold is not None:
        return threshold_values(threshold)
    left_out = {} if ignore is None else {str(ignore): IGNORE}
    if not left_out and background == 0 and list(values) == list(range(1, len(values) + 1)):
        return None
    classes = {str(value): index + 1 for index, value in enumerate(values)}
    return {str(background): 0} | classes | left_out


def _preprocessing(
    survey: Survey, chosen: Sizes, dims: int, template: Mapping[str, Any]
) -> dict[str, Any]:
    entries: dict[str, Any] = {"image_channels": 3} if _coloured(survey) else {}
    steps, reason = [], "; of colours the three channels" if entries else ""
    if chosen.spacing:
        steps += [template["orientation"], template["spacing"]]
    elif chosen.resized:
        steps.append(template["resize"])
        reason += "; pictures of many sizes, or large ones, are resized"
    intensities, why = intensity_steps(survey)
    steps += intensities
    if dims < survey.dims:
        steps.append(template["neighbours"] | {"count": NEIGHBOURS})
        reason += f"; a slice is seen with its neighbours, {NEIGHBOURS} in all, as channels"
    entries["_desc_preprocessing"] = f"intensities: {why}{reason}"
    if chosen.spacing:
        usual = _text(median_of([one.spacing for one in survey.cases]))
        entries |= {
            "_desc_spacing": f"the median of the cases, {usual} mm",
            "spacing": chosen.spacing,
        }
    return entries | {"preprocessing": steps}


def _patches(
    survey: Survey, chosen: Sizes, dims: int, budget: Budget, plan: Schedule
) -> dict[str, Any]:
    key = str(dims)
    median = median_of([one.shape for one in survey.cases])
    return {
        "_desc_patch_size": f"images have {_text(median)} voxels (median); limited by time and "
        f"{budget.memory_gb:g} GB of memory",
        "patch_size": {key: chosen.patch},
        "window_size": {key: chosen.window},
        "patches_per_case": {key: SLICES if dims < survey.dims else 1},
        "batch_size": {key: plan.batch},
    }


def _augmentation(template: Mapping[str, Any], side: str | None, cases: int) -> dict[str, Any]:
    affine = template["affine"] | {"flip_axes": [] if side else [0]}
    why = f"not mirrored: {side}" if side else "mirrored along x: no structure has a side"
    if cases < FEW:
        affine |= {"shear_range": 0.1}
        why += "; sheared, since there are few cases"
    return {
        "_desc_augmentation": escape_text(why),
        "augmentation": {"_target_": "Compose", "transforms": [affine, template["intensity"]]},
    }


def _text(numbers: Sequence[float]) -> str:
    return " × ".join(f"{number:.4g}" for number in numbers)


ALIKE = 2.0
"""Two structures that mirror each other differ by no more than this factor in size."""
APART = 0.05
"""And lie at least this fraction of the image's width apart, always in the same order."""
LEVEL = 0.6
"""While their other axes differ by less than this fraction of that."""
FEWEST = 4


def sided(survey: Survey, names: Mapping[int, str]) -> str | None:
    """Return why mirroring along x would exchange two structures, None if it would not.

    Parameters
    ----------
    survey
        What the cases hold.
    names
        Of the structures, by the value that label files hold.
    """
    by_name = named_side(names.values())
    if by_name:
        return f"{by_name!r} names a side"
    for a, b in itertools.combinations(survey.values, 2):
        if _mirror_each_other(survey.cases, a, b):
            return f"{names[a]!r} and {names[b]!r} lie beside each other like left and right"
    return None


def _mirror_each_other(cases: Sequence[CaseSurvey], a: int, b: int) -> bool:
    both = [(c.structures[a], c.structures[b]) for c in cases if {a, b} <= set(c.structures)]
    if len(both) < FEWEST:
        return False
    sizes = np.array([[one.voxels for one in pair] for pair in both], dtype=float)
    alike = np.median(sizes.max(axis=1) / sizes.min(axis=1)) < ALIKE
    apart = np.array([np.subtract(x.centre, y.centre) for x, y in both])
    same_order = (np.sign(apart[:, 0]) == np.sign(apart[0, 0])).mean() > 0.95
    across = np.median(np.abs(apart[:, 0]))
    along = np.median(np.abs(apart[:, 1:]), axis=0).max()
    return bool(alike and same_order and across > APART and along < LEVEL * across)
