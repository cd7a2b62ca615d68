"""Two evaluations of the same cases: which is better, by how much, and for which cases."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, cast

from lamina.errors import DataError
from lamina.files import read_csv, without_nan, write_json, write_table
from lamina.metrics.catalogue import METRICS, format_number
from lamina.metrics.statistics import PairedComparison, compare_pairs
from lamina.pictures.plots import write_comparison_plot

DECIDED = 0.05
"""The test's p below which a difference is called one."""

Scores = dict[tuple[str, str], float]
Units = dict[tuple[str, str], str]


CaseDifference = TypedDict(
    "CaseDifference",
    {
        "case": str,
        "class": str,
        "first": float | None,
        "second": float | None,
        "difference": float | None,
    },
)
"""A structure of a case in both evaluations; None where one has no value."""


@dataclass(frozen=True)
class Comparison:
    """One metric of two evaluations.

    Parameters
    ----------
    metric
        A name of the catalogue of metrics.
    names
        What the two are called.
    classes
        For each structure, and "mean" for the mean over a case's structures, what
        `lamina.metrics.statistics.compare_pairs` says.
    cases
        One row a case and structure.
    """

    metric: str
    names: tuple[str, str]
    classes: Mapping[str, PairedComparison]
    cases: Sequence[CaseDifference]


def compare_evaluations(first: Path, second: Path, metric: str = "dice") -> Comparison:
    """Compare the cases that both evaluations have.

    Parameters
    ----------
    first, second
        A run, its ``evaluation/``, or the ``cases.csv`` in it.
    metric
        A column of the table.

    Raises
    ------
    DataError
        If there is no such table or metric, the two have no case in common, or one has lengths in
        mm and the other in pixels.
    """
    tables, units = zip(*(_read(path, metric) for path in (first, second)), strict=True)
    common = [key for key in tables[0] if key in tables[1]]
    if not common:
        raise DataError(
            f"{first} and {second}: no case with the same name and structure is in both",
            "evaluate both on the same split of the same data set",
        )
    if METRICS[metric].quantity != "ratio":
        _require_same_units(common, units)
    rows = [_row(key, tables[0][key], tables[1][key]) for key in common]
    structures = list(dict.fromkeys(name for _, name in common))
    classes = {name: _pairs([row for row in rows if row["class"] == name]) for name in structures}
    if len(structures) > 1:
        classes["mean"] = _pairs(_means(rows))
    return Comparison(metric, _names(first, second), classes, rows)


def write_comparison(comparison: Comparison, folder: Path) -> list[Path]:
    """Write ``comparison.csv``, ``comparison.json`` and ``comparison.png``."""
    table, summary = folder / "comparison.csv", folder / "comparison.json"
    write_table(table, list(comparison.cases[0]), comparison.cases)
    about = {
        "metric": comparison.metric,
        "first": comparison.names[0],
        "second": comparison.names[1],
    }
    write_json(summary, about | {"classes": dict(comparison.classes)})
    return [table, summary, write_comparison_plot(comparison, folder / "comparison.png")]


def comparison_text(comparison: Comparison, most: int = 5) -> str:
    """Return the comparison as a table, a verdict and the cases that differ most.

    Parameters
    ----------
    comparison
        What `compare_evaluations` returned.
    most
        Cases that are listed.
    """
    title = METRICS[comparison.metric].title
    first, second = comparison.names
    lines = [f"{title} of A = {first} and B = {second}", ""]
    lines.append(
        f"{'structure':<24} {'cases':>5} {'A':>8} {'B':>8} {'B - A':>8}  {'95 %':<18} {'p':>7}"
    )
    for name, one in comparison.classes.items():
        lines.append(_line(name, one, comparison.metric))
    lines += ["", verdict(comparison), *_left_out(comparison), "", "the cases that differ most:"]
    ranked = sorted(comparison.cases, key=lambda row: -abs(_number(row["difference"])))
    for row in ranked[:most]:
        shown = [format_number(row[key], comparison.metric) for key in ("first", "second")]
        lines.append(f"  {row['case']}, {row['class']}: {shown[0]} → {shown[1]}")
    return "\n".join(lines)


def verdict(comparison: Comparison) -> str:
    """Return which of the two is better, in a sentence; "neither" where the test does not say so."""
    overall = comparison.classes.get("mean") or next(iter(comparison.classes.values()))
    best = METRICS[comparison.metric].best
    p, difference = overall["p"], overall["difference"]
    cases = f"cases that are higher in B: {overall['higher']}, in A: {overall['lower']}"
    if p is None or difference is None:
        return f"too few cases differ for a test; {cases}"
    if p >= DECIDED or best is None:
        return f"no difference is shown (Wilcoxon's signed-rank test, p = {p:.2g}); {cases}"
    better = "B" if (difference > 0) == (best > 0) else "A"
    name = comparison.names[better == "B"]
    return f"{better} ({name}) is better (Wilcoxon's signed-rank test, p = {p:.2g}); {cases}"


def _left_out(comparison: Comparison) -> list[str]:
    """Tell of structures that one side marked where there is nothing: the other has no value."""
    lacking = [(row["first"] is None, row["second"] is None) for row in comparison.cases]
    counts = {"A": lacking.count((False, True)), "B": lacking.count((True, False))}
    return [
        f"left out, since only {name} marked anything there, falsely: {number} structure(s)"
        for name, number in counts.items()
        if number
    ]


def _line(name: str, pairs: PairedComparison, metric: str) -> str:
    values = [
        format_number(pairs[key], metric) for key in ("mean_first", "mean_second", "difference")
    ]
    bounds = [format_number(bound, metric) for bound in pairs["interval"] or (None, None)]
    p = "–" if pairs["p"] is None else f"{pairs['p']:.2g}"
    first, second, change = (f"{value:>8}" for value in values)
    return f"{name:<24} {pairs['n']:>5} {first} {second} {change}  {' to '.join(bounds):<18} {p:>7}"


def _read(path: Path, metric: str) -> tuple[Scores, Units]:
    """Return a metric of each case and structure, and the unit of lengths."""
    table = find_table(path)
    rows = read_csv(table)
    if not rows or metric not in rows[0]:
        known = [name for name in (rows[0] if rows else {}) if name in METRICS]
        raise DataError(f"{table}: no column {metric!r}", f"take one of {', '.join(known)}")
    keyed = {(row["case"], row["class"]): row for row in rows}
    scores = {key: _number(row[metric]) for key, row in keyed.items()}
    return scores, {key: row["spacing_unit"] for key, row in keyed.items()}


def _require_same_units(common: Sequence[tuple[str, str]], units: Sequence[Units]) -> None:
    for key in common:
        first, second = (of_one[key] for of_one in units)
        if first != second:
            raise DataError(
                f"case {key[0]} was measured in {first} and in {second}",
                "evaluate both with the same --pixel-size, or compare a metric without a unit",
            )


def find_table(path: Path) -> Path:
    """Return the ``cases.csv`` of a run, of its evaluation, or itself.

    Raises
    ------
    DataError
        If there is none.
    """
    for table in (path, path / "cases.csv", path / "evaluation" / "cases.csv"):
        if table.is_file():
            return table
    raise DataError(f"{path}: no cases.csv of an evaluation", "run `lamina evaluate` first")


def _number(text: Any) -> float:
    return float(text) if text not in ("", None) else math.nan


def _row(key: tuple[str, str], first: float, second: float) -> CaseDifference:
    values = {"first": first, "second": second, "difference": second - first}
    return cast(CaseDifference, {"case": key[0], "class": key[1], **without_nan(values)})


def _pairs(rows: Sequence[Mapping[str, Any]]) -> PairedComparison:
    first, second = ([_number(row[key]) for row in rows] for key in ("first", "second"))
    return compare_pairs(first, second)


def _means(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the mean of each case over the structures that both sides have."""
    whole = [row for row in rows if row["difference"] is not None]
    cases = dict.fromkeys(row["case"] for row in whole)
    return [
        {
            key: _mean([row[key] for row in whole if row["case"] == case])
            for key in ("first", "second")
        }
        for case in cases
    ]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _names(first: Path, second: Path) -> tuple[str, str]:
    """Return the shortest ends of two paths that differ."""
    a, b = (
        [part for part in path.resolve().parts if part not in ("evaluation", "cases.csv")]
        for path in (first, second)
    )
    for length in range(1, max(len(a), len(b)) + 1):
        ends = "/".join(a[-length:]), "/".join(b[-length:])
        if ends[0] != ends[1]:
            return ends
    return str(first), str(second)
