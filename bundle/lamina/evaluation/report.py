"""One HTML file that shows an evaluation to a person who did not run it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lamina.evaluation.report_text import (
    choose_examples,
    leading_metric,
    opening_sentences,
    rank_cases,
)
from lamina.evaluation.summary import Summary
from lamina.evaluation.uncertainty_chart import uncertainty_chart
from lamina.metrics.catalogue import METRICS, format_number
from lamina.pictures.charts import Axis, Point, box_charts, curve_charts, fit_axis
from lamina.pictures.html_page import Picture, write_page
from lamina.pictures.panels import ERROR_COLOURS
from lamina.tasks.labels import Colour, Label


def write_report(
    path: str | os.PathLike[str],
    summary: Summary,
    pictures: Mapping[str, Mapping[str, Mapping[str, Picture]]],
    *,
    title: str,
    labels: Sequence[Label],
    caption: str = "",
    curves: Sequence[Mapping[str, float]] | None = None,
) -> None:
    """Write the report of an evaluation, whole or not at all.

    Parameters
    ----------
    path
        The HTML file.
    summary
        As ``lamina.evaluation.summary.summarise`` returns it. Its "information", {section: {name:
        value}}, is shown at the end.
    pictures
        The panels of each case, {case: {view: {title: PNG}}}, as bytes or files; files are read
        one after the other. A case may have none. Of the examples all views are shown, of the
        others the first; a view without a name has no heading.
    title
        The heading.
    labels
        The task's labels, background first, for the legend.
    caption
        A sentence on what the pictures show of a case, and how it is turned.
    curves
        The history of the training: a dict for each epoch with "epoch" and numbers.
    """
    ranked = rank_cases(summary)
    leading = leading_metric(summary)
    write_page(
        path,
        Path(__file__).with_name("report.html"),
        title=title,
        opening=opening_sentences(summary),
        summary=summary,
        metrics={name: METRICS[name] for name in summary["mean"]},
        leading=leading,
        examples=choose_examples(ranked, leading),
        cases=ranked,
        pictures=pictures,
        caption=caption,
        structures={label.name: label.color for label in labels[1:]},
        errors=ERROR_COLOURS,
        boxes=box_charts(summary, labels),
        agreement=agreement_charts(summary, labels),
        uncertainty=uncertainty_chart(summary),
        curves=curve_charts(curves or []),
    )


WIDTH, HEIGHT = 480.0, 300.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 66.0, 466.0, 16.0, 252.0


@dataclass(frozen=True)
class Line:
    """A level line: where it stands and what it says."""

    y: float
    text: str


@dataclass(frozen=True)
class AgreementChart:
    """One structure: a point for each case, the mean difference and the limits of agreement."""

    title: str
    unit: str
    colour: Colour
    x_axis: Axis
    y_axis: Axis
    points: tuple[Point, ...]
    lines: tuple[Line, ...]


def agreement_charts(summary: Summary, labels: Sequence[Label]) -> list[AgreementChart]:
    """Return a chart for each structure, where sizes were measured in at least two cases.

    The limits of agreement are the mean difference ± 1.96 standard deviations.
    """
    if not {"volume_truth", "volume_prediction"} <= set(summary["units"]):
        return []
    charts = (_chart(summary, label) for label in labels[1:])
    return [chart for chart in charts if chart is not None]


def _chart(summary: Summary, label: Label) -> AgreementChart | None:
    unit = summary["units"]["volume_truth"]
    of_cases = [(case["case"], case["classes"][label.name]) for case in summary["cases"]]
    of_cases = [item for item in of_cases if item[1]["volume_truth"] is not None]
    if len(of_cases) < 2 or " or " in unit:
        return None
    sizes = np.array([(s["volume_truth"], s["volume_prediction"]) for _, s in of_cases])
    means, differences = sizes.mean(axis=1), sizes[:, 1] - sizes[:, 0]
    levels = _levels(differences)
    x_axis = fit_axis([0.0, *means], _LEFT, _RIGHT)
    y_axis = fit_axis([0.0, *differences, *levels.values()], _BOTTOM, _TOP)
    points = tuple(
        Point(x_axis.at(x), y_axis.at(y), f"{case}: {_number(y)} {unit}", scores["status"])
        for (case, scores), x, y in zip(of_cases, means, differences, strict=True)
    )
    lines = tuple(Line(y_axis.at(y), f"{text} {_number(y)}") for text, y in levels.items())
    return AgreementChart(label.name, unit, label.color, x_axis, y_axis, points, lines)


def _levels(differences: np.ndarray) -> dict[str, float]:
    bias, spread = float(differences.mean()), 1.96 * float(differences.std(ddof=1))
    return {"upper limit": bias + spread, "mean": bias, "lower limit": bias - spread}


def _number(value: float) -> str:
    return format_number(value, "volume_error")
