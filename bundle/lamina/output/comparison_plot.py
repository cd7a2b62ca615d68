"""Two evaluations as a picture: a point for each case, above the line where the second is higher."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lamina.files import written_whole
from lamina.metrics import METRICS

NAMED = 3
"""Cases that have their name beside their point."""


def write_comparison_plot(comparison: Any, path: Path) -> Path:
    """Draw a panel for each structure of a `lamina.output.comparison.Comparison`."""
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
