"""Numbers and sentences of the report."""

from collections.abc import Mapping, Sequence
from typing import Any

from lamina.evaluation.summary import Summary
from lamina.metrics.catalogue import METRICS, format_interval, format_number


def leading_metric(summary: Summary) -> str:
    """Return the metric that cases are ranked by: Dice, or the first that was measured.

    Examples
    --------
    >>> leading_metric({"mean": {"iou": 0.5, "dice": 0.6}}), leading_metric({"mean": {"iou": 0.5}})
    ('dice', 'iou')
    """
    return "dice" if "dice" in summary["mean"] else str(next(iter(summary["mean"])))


def rank_cases(summary: Summary) -> list[Mapping[str, Any]]:
    """Return the cases by the leading metric, worst first; those without a number last.

    Examples
    --------
    >>> cases = [{"case": "a", "dice": 0.9}, {"case": "b", "dice": None}, {"case": "c", "dice": 0}]
    >>> [case["case"] for case in rank_cases({"mean": {"dice": 0.45}, "cases": cases})]
    ['c', 'a', 'b']
    """
    metric = leading_metric(summary)
    best = METRICS[metric].best or 0.0

    def distance_from_best(case: Mapping[str, Any]) -> float:
        return float("-inf") if case[metric] is None else abs(case[metric] - best)

    return sorted(summary["cases"], key=distance_from_best, reverse=True)


def choose_examples(ranked: Sequence[Mapping[str, Any]], metric: str) -> dict[str, Any]:
    """Return the best, the median and the worst of the cases that have a number.

    Examples
    --------
    >>> ranked = [{"case": "c", "dice": 0.1}, {"case": "a", "dice": 0.9}]
    >>> {kind: case["case"] for kind, case in choose_examples(ranked, "dice").items()}
    {'best': 'a', 'worst': 'c'}
    """
    scored = [case for case in ranked if case[metric] is not None]
    if not scored:
        return {}
    positions = {"best": -1, "median": len(scored) // 2, "worst": 0}
    if len(scored) < 3:
        positions = {"best": -1, "worst": 0} if len(scored) == 2 else {"only": 0}
    return {kind: scored[position] for kind, position in positions.items()}


def opening_sentences(summary: Summary) -> str:
    """Say what was done and the main result, for someone who was not there.

    Examples
    --------
    >>> counts = {"present": 1, "missed": 1, "false": 0, "absent": 0}
    >>> print(opening_sentences({
    ...     "mean": {"dice": 0.4}, "interval": {"dice": [0.0, 0.8]}, "units": {"dice": ""},
    ...     "classes": {"lung": {"counts": counts}}, "cases": [{}, {}], "failed": [],
    ...     "bootstrap": {"confidence": 0.95},
    ... }))
    A network marked 1 structure in 2 cases, and its result was compared with the reference: the mean Dice is 0.400 (95 % interval 0.000 to 0.800). Counted over all cases, 1 structure was missed altogether and 0 were marked where there is none.
    """
    metric = leading_metric(summary)
    counts = [scores["counts"] for scores in summary["classes"].values()]
    missed, false = (sum(of_class[status] for of_class in counts) for status in ("missed", "false"))
    sentences = (
        f"A network marked {count(len(counts), 'structure')} in "
        f"{count(len(summary['cases']), 'case')}, and its result was compared with the reference: "
        f"the mean {METRICS[metric].title} is {_with_unit(summary, metric)}. "
        f"Counted over all cases, {count(missed, 'structure')} {_were(missed)} missed altogether "
        f"and {false:,} {_were(false)} marked where there is none."
    )
    if summary["failed"]:
        failed = count(len(summary["failed"]), "more case")
        sentences += f" {failed} could not be measured; the reasons stand below."
    return sentences


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> count(1, "case"), count(2, "case")
    ('1 case', '2 cases')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _with_unit(summary: Summary, metric: str) -> str:
    value = f"{format_number(summary['mean'][metric], metric)} {summary['units'][metric]}".strip()
    interval = summary["interval"][metric]
    if interval is None:
        return value
    confidence = f"{100 * summary['bootstrap']['confidence']:g} %"
    return f"{value} ({confidence} interval {format_interval(interval, metric)})"
