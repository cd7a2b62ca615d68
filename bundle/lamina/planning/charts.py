"""Charts of a data set: intensities in and outside of structures, volumes and components."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamina.pictures.charts import MARGIN, ROW, WIDTH, Axis, BoxChart, box_of, fit_axis
from lamina.planning.survey import CaseSurvey, Structure, Survey
from lamina.tasks.labels import Label

BINS = 48
TOP, BOTTOM = 12.0, 176.0
MOST_BOXES = 30
"""Structures beyond which a chart shows nothing that the table does not."""


@dataclass(frozen=True)
class IntensityChart:
    """Two curves over the same axis, as positions on the page."""

    axis: Axis
    inside: str
    outside: str


def intensity_chart(survey: Survey, scaled: bool) -> IntensityChart | None:
    """Return how often each intensity occurs inside and outside of the structures.

    Parameters
    ----------
    survey
        What the cases hold.
    scaled
        Whether each image counts by its own 1st and 99th percentile, as 0 and 1: where images
        share no unit, their own numbers say nothing together.
    """
    inside = _pooled(survey.cases, scaled, lambda case: case.inside)
    outside = _pooled(survey.cases, scaled, lambda case: case.outside)
    if not inside.size or not outside.size:
        return None
    low, high = np.percentile(np.concatenate([inside, outside]), (0.5, 99.5))
    axis = fit_axis([float(low), float(high)], 14.0, 466.0)
    fractions = [
        np.histogram(values, BINS, (axis.low, axis.high))[0] / values.size
        for values in (inside, outside)
    ]
    top = max(float(fraction.max()) for fraction in fractions)
    return IntensityChart(axis, _path(fractions[0] / top, axis), _path(fractions[1] / top, axis))


def _pooled(
    cases: Sequence[CaseSurvey], scaled: bool, samples: Callable[[CaseSurvey], NDArray[np.float32]]
) -> NDArray[np.float32]:
    samples_of_cases = []
    for case in cases:
        low, high = np.percentile(case.everywhere, (1, 99)) if scaled else (0.0, 1.0)
        samples_of_cases.append((samples(case) - low) / max(high - low, np.finfo(np.float32).tiny))
    return np.concatenate(samples_of_cases) if samples_of_cases else np.empty(0, np.float32)


def _path(heights: NDArray[np.floating], axis: Axis) -> str:
    edges = np.linspace(axis.low, axis.high, BINS + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    return " ".join(
        f"{axis.at(float(x))},{BOTTOM - (BOTTOM - TOP) * float(y):.1f}"
        for x, y in zip(middles, heights, strict=True)
    )


def structure_charts(survey: Survey, labels: Sequence[Label]) -> list[BoxChart]:
    """Return charts of the structures' volumes and connected components, a point for each case.

    ``labels`` are the background and a label for each of the survey's values, in their order.
    """
    if not survey.values or len(survey.values) > MOST_BOXES:
        return []
    unit = {"mm": f"mm{'³' if survey.dims == 3 else '²'}", "px": "pixels"}[survey.cases[0].unit]
    return [
        _chart(
            survey,
            labels,
            f"Size of each structure ({unit})",
            lambda c, s: s.voxels * c.voxel_size,
        ),
        _chart(
            survey,
            labels,
            "Connected components of each structure",
            lambda _, s: float(s.components),
        ),
    ]


def _chart(
    survey: Survey,
    labels: Sequence[Label],
    title: str,
    measure: Callable[[CaseSurvey, Structure], float],
) -> BoxChart:
    points = [
        [
            (case.files.name, measure(case, case.structures[value]))
            for case in survey.cases
            if value in case.structures
        ]
        for value in survey.values
    ]
    axis = fit_axis([0.0, *(n for row in points for _, n in row)], MARGIN, WIDTH - MARGIN)
    boxes = tuple(
        box_of(
            label.name,
            label.color,
            axis,
            40.0 + at * ROW,
            [(f"{name}: {n:,.4g}", n, "present") for name, n in row],
        )
        for at, (label, row) in enumerate(zip(labels[1:], points, strict=True))
    )
    return BoxChart(title, axis, 60.0 + len(boxes) * ROW, boxes)
