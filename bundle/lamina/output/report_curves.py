"""Curves of a training: each number that its history holds, over the epochs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lamina.output.report_axis import Axis, fit_axis

WIDTH, HEIGHT = 480.0, 220.0
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

    Examples
    --------
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
