"""What an evaluation prints when it ends, and the versions that it ran with."""

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import lamina
from lamina.metrics import METRICS
from lamina.output.report_text import format_number

_PREFERRED = ("dice", "iou")


def summary_table(summary: Mapping[str, Any]) -> str:
    """Return Dice and IoU (or else the first metrics) and the errors of each class as text.

    Examples
    --------
    >>> counts = {"present": 3, "missed": 1, "false": 0, "absent": 0}
    >>> lung = {"dice": 0.7, "iou": 0.6, "counts": counts}
    >>> print(summary_table({"mean": {"dice": 0.7, "iou": 0.6}, "classes": {"lung": lung}}))
    structure   Dice    IoU  missed  false
    lung       0.700  0.600       1      0
    mean       0.700  0.600       1      0
    """
    metrics = [name for name in _PREFERRED if name in summary["mean"]] or [*summary["mean"]][:2]
    titles = [METRICS[name].title for name in metrics]
    rows = [["structure", *titles, "missed", "false"]]
    for name, scores in summary["classes"].items():
        rows.append([name, *_numbers(scores, metrics), *_errors([scores["counts"]])])
    counts = [scores["counts"] for scores in summary["classes"].values()]
    rows.append(["mean", *_numbers(summary["mean"], metrics), *_errors(counts)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def versions() -> dict[str, str]:
    """Return the versions of Lamina, of Python and of the libraries that make the numbers.

    Examples
    --------
    >>> sorted(versions())
    ['lamina', 'monai', 'numpy', 'python', 'scipy', 'torch']
    """
    libraries = {name: version(name) for name in ("torch", "monai", "numpy", "scipy")}
    return {"lamina": lamina.__version__, "python": platform.python_version(), **libraries}


def _numbers(scores: Mapping[str, float | None], metrics: list[str]) -> list[str]:
    return [format_number(scores[name], name) for name in metrics]


def _errors(counts: list[Mapping[str, int]]) -> list[str]:
    return [str(sum(of_class[status] for of_class in counts)) for status in ("missed", "false")]


def _line(cells: list[str], widths: list[int]) -> str:
    first, *others = (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join([cells[0].ljust(len(first)), *others])
