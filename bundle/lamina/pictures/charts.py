"""Charts for pages: axes, box plots with a point for each case, and curves."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from lamina.metrics.catalogue import METRICS, format_number
from lamina.tasks.labels import Colour, Label

# Below this range, rounding errors would fill the height of a chart.
_NO_RANGE = 1e-9


@dataclass(frozen=True)
class Tick:
    """A mark of an axis: its position and text."""

    at: float
    text: str


@dataclass(frozen=True)
class Axis:
    """A linear scale from ``low`` … ``high`` to the positions ``start`` … ``end``."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the position of a value, to a tenth of a unit.

        >>> Axis(0.0, 1.0, 100.0, 200.0).at(0.25)
        125.0
        """
        fraction = (value - self.low) / (self.high - self.low)
        return round(self.start + fraction * (self.end - self.start), 1)

    @property
    def ticks(self) -> list[Tick]:
        """Marks at round numbers, at most six.

        >>> [tick.text for tick in Axis(0.0, 1.0, 0.0, 100.0).ticks]
        ['0', '0.2', '0.4', '0.6', '0.8', '1']
        """
        margin = 1e-9 * (self.high - self.low)
        return [
            Tick(self.at(value), f"{value:,.6g}")
            for value in _round_values(self.low, self.high)
            if self.low - margin <= value <= self.high + margin
        ]


def fit_axis(values: Iterable[float], start: float, end: float) -> Axis:
    """Return an axis that holds all values and ends at round numbers.

    >>> axis = fit_axis([0.3, 8.2], start=0.0, end=100.0)
    >>> axis.low, axis.high
    (0.0, 10.0)
    """
    values = list(values)
    low, high = min(values), max(values)
    if high - low < _NO_RANGE:
        low, high = low - 0.5, high + 0.5
    rounded = _round_values(low, high)
    return Axis(rounded[0], rounded[-1], start, end)


def _round_values(low: float, high: float) -> list[float]:
    return [float(value) for value in MaxNLocator(nbins=5).tick_values(low, high)]


# Metrics that differ in what they show; the tables have all.
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
    """One structure: the quartiles, the whiskers and the points, as positions on the page.

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
    by_label = {label: _scores(summary, metric, label.name) for label in labels}
    measured = {label: scores for label, scores in by_label.items() if scores}
    values = [score for scores in measured.values() for _, score, _ in scores]
    unit = summary["units"].get(metric, "")
    title = METRICS[metric].title + (f" ({unit})" if unit else "")
    axis = fit_axis([0.0, METRICS[metric].best or 0.0, *values], MARGIN, WIDTH - MARGIN)
    boxes = tuple(
        box_of(label.name, label.color, axis, 40.0 + index * ROW, scores)
        for index, (label, scores) in enumerate(measured.items())
    )
    return BoxChart(title, axis, 60.0 + len(measured) * ROW, boxes)


def _scores(summary: Mapping[str, Any], metric: str, name: str) -> list[tuple[str, float, str]]:
    """Return the text, the score and the status of each case that has the metric."""
    of_cases = ((case["case"], case["classes"][name]) for case in summary["cases"])
    return [
        (f"{case}: {format_number(scores[metric], metric)}", scores[metric], scores["status"])
        for case, scores in of_cases
        if scores.get(metric) is not None
    ]


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


HEIGHT = 220.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 66.0, 466.0, 16.0, 176.0


@dataclass(frozen=True)
class CurveChart:
    """One number of the history; ``path`` is the line as SVG's ``points`` take it."""

    title: str
    x_axis: Axis
    y_axis: Axis
    path: str


def curve_charts(history: Sequence[Mapping[str, float]]) -> list[CurveChart]:
    """Return a chart for each key of the history but "epoch".

    An epoch may lack a key (validation is not run in each); NaN and infinity are left out.

    >>> history = [{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": 0.5, "val_dice": 0.6}]
    >>> [(chart.title, chart.path) for chart in curve_charts(history)]
    [('loss', '66.0,16.0 466.0,176.0')]
    """
    keys = dict.fromkeys(key for epoch in history for key in epoch if key != "epoch")
    charts = (_curve_chart(history, key) for key in keys)
    return [chart for chart in charts if chart is not None]


def _curve_chart(history: Sequence[Mapping[str, float]], key: str) -> CurveChart | None:
    points = [(epoch["epoch"], epoch[key]) for epoch in history if _is_finite(epoch.get(key))]
    if len(points) < 2:
        return None
    epochs, values = zip(*points, strict=True)
    x_axis = Axis(min(epochs), max(epochs), _LEFT, _RIGHT)
    y_axis = fit_axis(values, _BOTTOM, _TOP)
    path = " ".join(f"{x_axis.at(x)},{y_axis.at(y)}" for x, y in points)
    return CurveChart(key, x_axis, y_axis, path)


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
