"""A comparison as one page, for people."""

from collections.abc import Sequence
from pathlib import Path

from lamina.metrics import METRICS
from lamina.output.comparison import Comparison, verdict
from lamina.output.comparison_pictures import compared_cases, read_labels_of
from lamina.output.report_page import write_page


def write_comparison_page(
    comparison: Comparison, folders: Sequence[Path], plot: Path, path: Path
) -> Path:
    """Write the page: verdict, table, a point for each case, and the cases that differ most.

    Parameters
    ----------
    comparison
        What was found.
    folders
        Both evaluations.
    plot
        What `lamina.output.comparison_plot.write_comparison_plot` drew.
    path
        The HTML file.
    """
    metric = METRICS[comparison.metric]
    write_page(
        path,
        "comparison.html",
        comparison=comparison,
        metric=comparison.metric,
        title=f"{metric.title} of {comparison.names[0]} and {comparison.names[1]}",
        metric_title=metric.title,
        verdict=verdict(comparison),
        plot=plot,
        cases=list(compared_cases(comparison, folders)),
        structures={
            label.name: label.color for folder in folders for label in read_labels_of(folder)[1:]
        },
    )
    return path
