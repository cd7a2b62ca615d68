"""Box plots with a point for each case: how a metric is spread over the cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina.metrics import METRICS
from lamina.output.report_axis import Axis, fit_axis
from lamina.output.report_text import format_number
from lamina.tasks import Label
from lamina.tasks.labels import Colour

# Those that differ from each other in what they tell; the tables have all.
CHARTED = (
    "dice",
    "surface_dice",
    "hausdorff_distance_95",
    "average_surface_distance",
    "boundary_error",
    "thickness_error",
    "average_precision",
)
WIDTH, MARGIN, ROW = 480.0, 14.0, 58.0
_GOLDEN = 0.618


@dataclass(frozen=True)
class Point:
    """One case."""

    x: float
    y: float
    text: str
    status: str


@dataclass(frozen=True)
class Box:
    """One structure: the quartiles, the whiskers and the points, as places on the paper.

    The box runs from the first to the third quartile, the whiskers to the last case within 1.5
    times its length (Tukey, 1977).
    """

    name: str
    colour: Colour
    y: float
    quartiles: tuple[float, float, float]
    whiskers: tuple[float, float]
    points: tuple[Point, ...]


@dataclass(frozen=True)
class BoxChart:
    """One metric, with a box for each structure."""

    title: str
    axis: Axis
    height: float
    boxes: tuple[Box, ...]


def box_charts(summary: Mapping[str, Any], labels: Sequence[Label]) -> list[BoxChart]:
    """Return a chart for each metric of ``CHARTED`` that was measured."""
    charts = (_box_chart(summary, metric, labels[1:]) for metric in CHARTED)
    return [chart for chart in charts if chart.boxes]


def _box_chart(summary: Mapping[str, Any], metric: str, labels: Sequence[Label]) -> BoxChart:
    found = {label: _scores(summary, metric, label.name) for label in labels}
    found = {label: scores for label, scores in found.items() if scores}
    values = [score for scores in found.values() for _, score, _ in scores]
    unit = summary["units"].get(metric, "")
    title = METRICS[metric].title + (f" ({unit})" if unit else "")
    axis = fit_axis([0.0, METRICS[metric].best or 0.0, *values], MARGIN, WIDTH - MARGIN)
    boxes = tuple(
        _box(label, scores, metric, axis, 40.0 + index * ROW)
        for index, (label, scores) in enumerate(found.items())
    )
    return BoxChart(title, axis, 60.0 + len(found) * ROW, boxes)


def _scores(summary: Mapping[str, Any], metric: str, name: str) -> list[tuple[str, float, str]]:
    of_cases = ((case["case"], case["classes"][name]) for case in summary["cases"])
    return [
        (case, scores[metric], scores["status"])
        for case, scores in of_cases
        if scores.get(metric) is not None
    ]


def _box(
    label: Label, scores: Sequence[tuple[str, float, str]], metric: str, axis: Axis, y: float
) -> Box:
    texts = [
        (f"{case}: {format_number(score, metric)}", score, status) for case, score, status in scores
    ]
    return box_of(label.name, label.color, axis, y, texts)


def box_of(
    name: str, colour: Colour, axis: Axis, y: float, values: Sequence[tuple[str, float, str]]
) -> Box:
    """Return a box at the height ``y`` for values, each with its text and its status."""
    numbers = np.array([value for _, value, _ in values])
    low, middle, high = np.percentile(numbers, (25, 50, 75))
    reach = 1.5 * (high - low)
    inside = numbers[(numbers >= low - reach) & (numbers <= high + reach)]
    points = tuple(
        Point(axis.at(value), y + _jitter(index), text, status)
        for index, (text, value, status) in enumerate(values)
    )
    quartiles = (axis.at(low), axis.at(middle), axis.at(high))
    whiskers = (axis.at(inside.min()), axis.at(inside.max()))
    return Box(name, colour, y, quartiles, whiskers, points)


def _jitter(index: int) -> float:
    """Spread points evenly over the box's height, the same in every report."""
    return round(20 * ((index * _GOLDEN) % 1 - 0.5), 1)
