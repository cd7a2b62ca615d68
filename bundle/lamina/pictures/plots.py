"""Plots as PNG: thickness along a scan, and two evaluations against each other."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lamina.files import written_whole
from lamina.metrics.catalogue import METRICS
from lamina.tasks.labels import Label


# A `$` in a name is no mathematics.
@rc_context({"text.parse_math": False})
def write_profile_plot(
    rows: Sequence[Mapping[str, Any]], labels: Sequence[Label], path: Path
) -> Path:
    """Draw the thickness of each layer across the scan, of a volume the mean over its slices.

    Parameters
    ----------
    rows
        As `lamina.prediction.measurements.thickness_profile` gives them: "x", and NAME_um or NAME_px,
        of which the first is used.
    labels
        The task's labels, whose names and colours are used.
    path
        The PNG file, written whole or not at all.
    """
    x = np.array([row["x"] for row in rows])
    columns, column_of = np.unique(x, return_inverse=True)
    slices = np.bincount(column_of)
    unit = next(name for name in rows[0] if name not in ("x", "z")).rsplit("_", 1)[1]
    figure = Figure(figsize=(8, 4))
    FigureCanvasAgg(figure)
    # A layout that matplotlib computes takes longer than the network.
    axes = figure.add_axes((0.08, 0.13, 0.68, 0.83))
    for label in labels[1:]:
        thickness = np.array([row[f"{label.name}_{unit}"] for row in rows])
        means = np.bincount(column_of, thickness) / slices
        axes.plot(columns, means, color=np.array(label.color) / 255, linewidth=1.5)
    axes.set_xlabel("column of the scan")
    axes.set_ylabel(f"thickness in {'µm' if unit == 'um' else unit}")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.set_facecolor("#f4f4f6")
    names = [fill(label.name, 26) for label in labels[1:]]
    figure.legend(
        axes.lines, names, loc="upper left", bbox_to_anchor=(0.77, 0.97), fontsize="small"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as part:
        # A higher compression takes as long as drawing.
        figure.savefig(part, dpi=110, format="png", pil_kwargs={"compress_level": 1})
    return path


NAMED = 3
"""Cases whose name is written beside their point."""


@rc_context({"text.parse_math": False})
def write_comparison_plot(comparison: Any, path: Path) -> Path:
    """Draw a panel for each structure of a `lamina.evaluation.comparison.Comparison`."""
    names = [name for name in comparison.classes if name != "mean"]
    columns = min(len(names), 3)
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(4.2 * columns, 4.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for index, name in enumerate(names):
        axes = figure.add_subplot(rows, columns, index + 1)
        shown = [row for row in comparison.cases if row["class"] == name]
        _panel(axes, [row for row in shown if row["difference"] is not None])
        axes.set_title(name)
    figure.supxlabel(f"A: {comparison.names[0]}", fontsize="medium")
    figure.supylabel(f"B: {comparison.names[1]}", fontsize="medium")
    figure.suptitle(f"{METRICS[comparison.metric].title}: each point is a case")
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as part:
        figure.savefig(part, dpi=110)
    return path


def _panel(axes: Any, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    first, second = (np.array([row[key] for row in rows]) for key in ("first", "second"))
    low, high = min(first.min(), second.min()), max(first.max(), second.max())
    margin = 0.05 * (high - low) or 0.05
    ends = (low - margin, high + margin)
    axes.plot(ends, ends, color="#888888", linewidth=1)
    axes.scatter(first, second, s=18, color="#0072b2", alpha=0.7, edgecolors="none")
    for index in np.argsort(-np.abs(second - first))[:NAMED]:
        axes.annotate(rows[index]["case"], (first[index], second[index]), fontsize=7, alpha=0.8)
    axes.set_xlim(*ends)
    axes.set_ylim(*ends)
    axes.set_aspect("equal")
    axes.grid(alpha=0.3)
