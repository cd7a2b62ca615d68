"""One page on a data set: what it holds, its defects, the choices, and thumbnails of its cases."""

import json
import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamina.pictures.html_page import write_page
from lamina.planning.charts import intensity_chart, structure_charts
from lamina.planning.intensities import has_units
from lamina.planning.survey import CaseSurvey, Defect, Survey, Unusable
from lamina.planning.table import range_rows, structure_rows
from lamina.planning.thumbnails import thumbnail_jpeg
from lamina.tasks.labels import Label

SHOWN = 240
"""Cases on the contact sheet: about 1.5 MB."""


@dataclass(frozen=True)
class Tile:
    """A case on the contact sheet, and the numbers of its defects."""

    name: str
    picture: bytes | None
    defects: tuple[int, ...]


@dataclass(frozen=True)
class Choice:
    """A choice of the task file, what was chosen, and why."""

    name: str
    value: str
    reason: str


def write_plan_page(
    path: str | os.PathLike[str],
    survey: Survey,
    labels: Sequence[Label],
    defects: Sequence[Defect],
    *,
    title: str,
    modality: str = "",
    task: Mapping[str, Any] | None = None,
    lines: Sequence[str] = (),
) -> None:
    """Write the page of a plan, an HTML file, whole or not at all.

    Parameters
    ----------
    path, title
        The file and its heading.
    survey, defects
        What the cases hold, with their thumbnails, and what is wrong with them.
    labels
        The background, and a label for each of the survey's values in their order.
    modality
        What the data set itself says of its images.
    task, lines
        What was planned, None where nothing could be, and commands that come next.
    """
    names = dict(zip(survey.values, (label.name for label in labels[1:]), strict=True))
    tiles = _tiles(survey, labels, defects)
    write_page(
        path,
        Path(__file__).with_name("plan.html"),
        title=title,
        survey=survey,
        defects=defects,
        labels=labels,
        ranges=range_rows(survey) if survey.cases else [],
        kinds=_kinds(survey, modality),
        structures=structure_rows(survey, names),
        imbalance=_imbalance(survey),
        intensities=intensity_chart(survey, scaled=not has_units(survey)),
        scaled=not has_units(survey),
        charts=structure_charts(survey, labels),
        choices=_choices(task or {}),
        lines=lines,
        tiles=tiles,
        all_cases=len(survey.cases) + len(survey.unusable),
    )


def _kinds(survey: Survey, modality: str) -> dict[str, str]:
    """Return how many images are of which format and orientation."""
    kinds = {"modality": modality} if modality else {}
    for title, values in {
        "format": [case.source for case in survey.cases],
        "axes of the files": [case.orientation for case in survey.cases if case.orientation],
    }.items():
        counts = Counter(values).most_common(8)
        if counts:
            kinds[title] = ", ".join(f"{value} ({count})" for value, count in counts)
    return kinds


def _imbalance(survey: Survey) -> str:
    """Say how much of the voxels is background, and how unlike the structures are in size."""
    total = sum(math.prod(case.shape) for case in survey.cases)
    sums = [
        sum(case.structures[value].voxels for case in survey.cases if value in case.structures)
        for value in survey.values
    ]
    if not sums:
        return ""
    text = f"{1 - sum(sums) / total:.1%} of all voxels are background."
    if len(sums) > 1:
        text += f" The largest structure has {max(sums) / min(sums):,.3g} times as many as the smallest."
    return text


def _choices(task: Mapping[str, Any]) -> list[Choice]:
    reasons = {
        key.removeprefix("_desc_"): text for key, text in task.items() if key.startswith("_desc_")
    }
    return [
        Choice(key.replace("_", " "), _short(key, task.get(key)), str(reason))
        for key, reason in reasons.items()
    ]


def _short(key: str, value: Any) -> str:
    if key == "preprocessing":
        return ", ".join(str(step["_target_"]).rpartition(".")[2] for step in value)
    if key == "network_def":
        return f"{value['_target_']}, {value.get('filters') or value['channels']} channels"
    if key == "augmentation":
        return ", ".join(str(step["_target_"]).rpartition(".")[2] for step in value["transforms"])
    only = next(iter(value.values())) if isinstance(value, dict) and len(value) == 1 else value
    return json.dumps(only) if not isinstance(only, str) else only


def _tiles(survey: Survey, labels: Sequence[Label], defects: Sequence[Defect]) -> list[Tile]:
    """Return the cases with a defect first, then the others, evenly taken where there are many."""
    cases: list[CaseSurvey | Unusable] = [*survey.unusable, *survey.cases]
    thumbnails = {case.files.name: case.thumbnail for case in cases}
    numbers = {
        name: tuple(at for at, defect in enumerate(defects, 1) if name in defect.cases)
        for name in thumbnails
    }
    marked = [name for name in thumbnails if numbers[name]][:SHOWN]
    others = [name for name in thumbnails if not numbers[name]]
    left = SHOWN - len(marked)
    step = max(-(-len(others) // max(left, 1)), 1)
    classes = {value: at for at, value in enumerate(survey.values, 1)}
    return [
        Tile(name, thumbnail_jpeg(shown, labels, classes) if shown else None, numbers[name])
        for name in [*marked, *others[::step][:left]]
        for shown in [thumbnails[name]]
    ]
