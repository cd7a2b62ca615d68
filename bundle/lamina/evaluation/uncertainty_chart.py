"""How uncertain the cases are, and whether that predicts how good they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lamina.evaluation.report_text import count, leading_metric
from lamina.evaluation.summary import Summary
from lamina.metrics.catalogue import METRICS, format_number
from lamina.metrics.statistics import FEWEST_RANKED, RankCorrelation, rank_correlation
from lamina.pictures.charts import Axis, Point, fit_axis
from lamina.prediction.uncertain_cases import rank_uncertain

DECIDED = 0.05
"""The test's p below which a correlation is called one."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 66.0, 466.0, 16.0, 252.0


@dataclass(frozen=True)
class UncertaintyChart:
    """A point for each case: its uncertainty and its score.

    ``sentence`` says what it shows, ``cases`` are the rows of `rank_uncertain`, with "score".
    """

    title: str
    sentence: str
    cases: Sequence[Mapping[str, Any]]
    x_axis: Axis
    y_axis: Axis
    points: tuple[Point, ...]


def uncertainty_chart(summary: Summary) -> UncertaintyChart | None:
    """Return the chart; None where no case has an "uncertainty"."""
    ranked = rank_uncertain(summary["cases"])
    if not ranked:
        return None
    metric = leading_metric(summary)
    scores = {case["case"]: case[metric] for case in summary["cases"]}
    rows = [row | {"score": scores[row["case"]]} for row in ranked]
    known = [row for row in rows if row["score"] is not None]
    x_axis = fit_axis([0.0, *(row["uncertainty"] for row in rows)], _LEFT, _RIGHT)
    y_axis = fit_axis([row["score"] for row in known] or [0.0], _BOTTOM, _TOP)
    points = tuple(
        Point(x_axis.at(row["uncertainty"]), y_axis.at(row["score"]), _text(row, metric), "present")
        for row in known
    )
    sentence = correlation_sentence(_correlation(known), metric)
    return UncertaintyChart(METRICS[metric].title, sentence, rows, x_axis, y_axis, points)


def correlation_of(summary: Summary) -> dict[str, Any] | None:
    """Return how uncertainty and the leading metric go together, as `rank_correlation` says it."""
    metric = leading_metric(summary)
    cases = [case for case in summary["cases"] if case.get("uncertainty") is not None]
    rows = [case | {"score": case[metric]} for case in cases if case[metric] is not None]
    return {"metric": metric, **_correlation(rows)} if cases else None


def correlation_sentence(correlation: RankCorrelation, metric: str) -> str:
    """Say whether the uncertainty predicts the metric.

    Examples
    --------
    >>> correlation_sentence({"n": 4, "rho": None, "p": None}, "dice")
    'Whether it predicts the Dice cannot be said of 4 cases: it takes at least 10 that differ.'
    >>> correlation_sentence({"n": 40, "rho": -0.7, "p": 1e-5}, "dice")
    "The more uncertain a case, the worse its Dice: Spearman's rank correlation is -0.70 (n = 40, p = 1e-05)."
    """
    title, rho, p = METRICS[metric].title, correlation["rho"], correlation["p"]
    if rho is None or p is None:
        cases = count(correlation["n"], "case")
        return f"Whether it predicts the {title} cannot be said of {cases}: it takes at least {FEWEST_RANKED} that differ."
    numbers = f"Spearman's rank correlation is {rho:.2f} (n = {correlation['n']}, p = {p:.1g})."
    if p >= DECIDED:
        return f"It is not shown to predict the {title} of these cases: {numbers}"
    worse = (rho < 0) == ((METRICS[metric].best or 0) > 0)
    if worse:
        return f"The more uncertain a case, the worse its {title}: {numbers}"
    return f"It misleads here, since the more uncertain cases have the better {title}: {numbers}"


def _correlation(rows: Sequence[Mapping[str, Any]]) -> RankCorrelation:
    return rank_correlation([row["uncertainty"] for row in rows], [row["score"] for row in rows])


def _text(row: Mapping[str, Any], metric: str) -> str:
    score = format_number(row["score"], metric)
    return f"{row['case']}: uncertainty {row['uncertainty']:.3f}, {score}"
