"""The numbers of an evaluation: over cases and structures, as JSON and as a table."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict, cast

import numpy as np

import lamina
from lamina.errors import DataError
from lamina.evaluation.saved_label_maps import SavedFiles
from lamina.files import without_nan, write_json, write_table
from lamina.metrics.catalogue import METRICS, format_number, metric_unit
from lamina.metrics.measure import StructureScores
from lamina.metrics.overlap import STATUSES
from lamina.metrics.statistics import Bootstrap, Description, describe
from lamina.readers.grid import Unit
from lamina.tasks.labels import Label

Statistic = Literal["mean", "median", "std", "interval"]
_SPREAD: tuple[Statistic, ...] = ("median", "std", "interval")


@dataclass(frozen=True)
class CaseScores:
    """What was measured of one case.

    ``structures`` are those of ``measure_case``, ``uncertainty`` is from 0 to 1, where it is known.
    """

    case: str
    spacing_unit: Unit
    spatial_dims: int
    structures: Mapping[str, StructureScores]
    uncertainty: float | None = None
    files: SavedFiles | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as it stands in ``summary.json``, with the mean of each metric."""
        classes = {
            name: {"status": one.status, **one.metrics} for name, one in self.structures.items()
        }
        metrics = next(iter(self.structures.values())).metrics
        means = {
            metric: describe([[one.metrics[metric] for one in self.structures.values()]])["mean"]
            for metric in metrics
        }
        about = {key: value for key, value in vars(self).items() if key != "structures"}
        return {**about, **means, "classes": classes}


class Failure(TypedDict):
    """A case that could not be measured, and why."""

    case: str
    reason: str


class Summary(TypedDict):
    """What ``summary.json`` holds; None stands where there is no number.

    ``mean`` to ``interval`` are over the foreground classes. An entry of ``classes`` has the mean of
    each metric, and its own "median", "std", "interval" and "counts" of cases that are present,
    missed, false and absent; one of ``cases`` is a `CaseScores.as_json`.
    """

    mean: dict[str, float | None]
    median: dict[str, float | None]
    std: dict[str, float | None]
    interval: dict[str, list[float] | None]
    classes: dict[str, dict[str, Any]]
    cases: list[dict[str, Any]]
    failed: list[Failure]
    units: dict[str, str]
    bootstrap: dict[str, Any]
    information: dict[str, Any]
    labels: NotRequired[list[dict[str, Any]]]
    uncertainty: NotRequired[dict[str, Any] | None]


def summarise(
    records: Sequence[CaseScores],
    labels: Sequence[Label],
    *,
    failures: Mapping[str, str] | None = None,
    bootstrap: Bootstrap | None = None,
    information: Mapping[str, Any] | None = None,
) -> Summary:
    """Sum up the measurements of many cases.

    Parameters
    ----------
    records
        One for each case.
    labels
        The task's labels, background first.
    failures
        The cases that could not be measured, each with the reason.
    bootstrap
        How the intervals are found.
    information
        Settings, versions and the like, passed on as they are.

    Returns
    -------
    Summary
        Statistics as ``lamina.metrics.describe`` has them; None for those of different units.

    Raises
    ------
    DataError
        If there is no record.

    Examples
    --------
    >>> labels = [Label(0, "background", (0, 0, 0)), Label(1, "lung", (0, 120, 255))]
    >>> lungs = StructureScores("present", {"dice": 0.8}), StructureScores("missed", {"dice": 0.0})
    >>> records = [CaseScores(name, "mm", 2, {"lung": lung}) for name, lung in zip("ab", lungs)]
    >>> summary = summarise(records, labels)
    >>> summary["mean"], summary["classes"]["lung"]["counts"]
    ({'dice': 0.4}, {'present': 1, 'missed': 1, 'false': 0, 'absent': 0})
    """
    if not records:
        reasons = [f"{case}: {why}" for case, why in (failures or {}).items()]
        raise DataError(
            "\n".join(["no case was measured", *reasons]), "check the data set and its split"
        )
    bootstrap = bootstrap or Bootstrap()
    names = [label.name for label in labels[1:]]
    units = _units(records, names)
    tables = {metric: _table(records, names, metric, units) for metric in units}
    overall = {metric: describe(table, bootstrap) for metric, table in tables.items()}
    classes = {
        name: _describe_class(records, name, tables, index, bootstrap)
        for index, name in enumerate(names)
    }
    summary = {
        **_by_statistic(overall, ("mean", *_SPREAD)),
        "classes": classes,
        "cases": [record.as_json() for record in records],
        "failed": [{"case": case, "reason": why} for case, why in (failures or {}).items()],
        "units": units,
        "bootstrap": vars(bootstrap),
        "information": dict(information or {}),
    }
    return cast(Summary, without_nan(summary))


def write_summary(folder: str | os.PathLike[str], summary: Summary) -> None:
    """Write ``summary.json``, and ``cases.csv`` with one line for each case and class."""
    write_json(Path(folder, "summary.json"), summary)
    lines = [
        {"case": case["case"], "class": name, "spacing_unit": case["spacing_unit"], **scores}
        for case in summary["cases"]
        for name, scores in case["classes"].items()
    ]
    write_table(Path(folder, "cases.csv"), list(lines[0]), lines)


def _units(records: Sequence[CaseScores], names: Sequence[str]) -> dict[str, str]:
    """Name the unit of each metric; several where the cases do not share one."""
    metrics = records[0].structures[names[0]].metrics
    grids = sorted({(record.spacing_unit, record.spatial_dims) for record in records})
    return {
        metric: " or ".join(dict.fromkeys(metric_unit(metric, *grid) for grid in grids))
        for metric in metrics
    }


def _table(
    records: Sequence[CaseScores],
    names: Sequence[str],
    metric: str,
    units: Mapping[str, str],
) -> np.ndarray:
    """Return (cases, classes); NaN throughout where values of several units can't be averaged."""
    values = [[record.structures[name].metrics[metric] for name in names] for record in records]
    return np.full(np.shape(values), np.nan) if " or " in units[metric] else np.array(values, float)


def _describe_class(
    records: Sequence[CaseScores],
    name: str,
    tables: Mapping[str, np.ndarray],
    index: int,
    bootstrap: Bootstrap,
) -> dict[str, Any]:
    statuses = [record.structures[name].status for record in records]
    described = {metric: describe(table[:, index], bootstrap) for metric, table in tables.items()}
    means = {metric: values["mean"] for metric, values in described.items()}
    counts = {status: statuses.count(status) for status in STATUSES}
    return {**means, **_by_statistic(described, _SPREAD), "counts": counts}


def _by_statistic(
    described: Mapping[str, Description], statistics: Sequence[Statistic]
) -> dict[str, dict[str, Any]]:
    return {
        statistic: {metric: values[statistic] for metric, values in described.items()}
        for statistic in statistics
    }


_PREFERRED = ("dice", "iou")


def summary_table(summary: Summary) -> str:
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
