"""Statistics over cases: means with intervals, pairs, ranks and outliers."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import spearmanr, wilcoxon

Table = NDArray[np.float64]


class Description(TypedDict):
    """One metric over cases; None where their number does not allow it, ``n`` are those that count."""

    mean: float | None
    median: float | None
    std: float | None
    interval: list[float] | None
    n: int


class PairedComparison(TypedDict):
    """One metric of two runs over the same cases; ``higher`` and ``lower`` are cases of the second."""

    n: int
    mean_first: float | None
    mean_second: float | None
    difference: float | None
    interval: list[float] | None
    higher: int
    lower: int
    p: float | None


class RankCorrelation(TypedDict):
    """Spearman's ``rho`` over ``n`` cases, and the two-sided test's ``p``."""

    n: int
    rho: float | None
    p: float | None


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are computed: by drawing the cases anew, with replacement.

    Parameters
    ----------
    confidence
        The fraction of draws that the interval holds.
    resamples
        The number of draws.
    seed
        The same seed gives the same interval.
    """

    confidence: float = 0.95
    resamples: int = 2000
    seed: int = 0


def describe(scores: ArrayLike, bootstrap: Bootstrap | None = None) -> Description:
    """Describe the values of one metric over cases, and over classes where there are several.

    The mean is over the classes of the means over the cases. The interval is the percentile
    bootstrap's (Efron, 1979) of that mean, cases drawn whole. Median and standard deviation
    (n - 1) are those of the cases, each its mean over its classes. NaN (absent) is left out.

    Parameters
    ----------
    scores
        (cases,) or (cases, classes).
    bootstrap
        How the interval is computed; 95 % of 2,000 draws by default.

    Examples
    --------
    >>> summary = describe([0.8, 0.9, float("nan"), 1.0])
    >>> round(summary["mean"], 3), summary["median"], round(summary["std"], 3), summary["n"]
    (0.9, 0.9, 0.1, 3)
    """
    table = np.asarray(scores, dtype=float)
    table = table.reshape(len(table), -1 if table.size else 1)
    cases = _mean(table, axis=1)
    cases = cases[~np.isnan(cases)]
    return {
        "mean": float(_mean(_mean(table, axis=0), axis=0)) if len(cases) else None,
        "median": float(np.median(cases)) if len(cases) else None,
        "std": float(cases.std(ddof=1)) if len(cases) > 1 else None,
        "interval": _interval(table, bootstrap or Bootstrap()) if len(cases) > 1 else None,
        "n": len(cases),
    }


def _interval(table: Table, bootstrap: Bootstrap) -> list[float]:
    """Draw by counting how often each case is drawn, which takes one matrix product a mean."""
    generator, cases = np.random.default_rng(bootstrap.seed), len(table)
    drawn = generator.multinomial(cases, np.full(cases, 1 / cases), size=bootstrap.resamples)
    with np.errstate(invalid="ignore"):  # 0/0: a class that no drawn case has
        class_means = (drawn @ np.nan_to_num(table)) / (drawn @ ~np.isnan(table))
    means = _mean(class_means, axis=1)
    outside = (1 - bootstrap.confidence) / 2
    return [float(bound) for bound in np.nanquantile(means, [outside, 1 - outside])]


def _mean(values: Table, axis: int) -> Table:
    """Return the mean without NaN; NaN where there is nothing else."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        return np.nanmean(values, axis=axis)


FEWEST_WITH_OUTLIERS = 5
"""Values, below which none can be said to be unusual."""


def unusually_high(values: Sequence[float]) -> list[bool]:
    """Say of each value whether it lies above Tukey's upper fence (1977).

    That is the third quartile and one and a half times the distance of the quartiles.

    Examples
    --------
    >>> unusually_high([0.1, 0.12, 0.1, 0.11, 0.5])
    [False, False, False, False, True]
    """
    if len(values) < FEWEST_WITH_OUTLIERS:
        return [False] * len(values)
    low, high = np.percentile(values, (25, 75))
    return [bool(value > high + 1.5 * (high - low)) for value in values]


FEWEST_PAIRS = 6
"""Cases that differ, below which no result of the test could be below 0.05."""


def compare_pairs(
    first: ArrayLike, second: ArrayLike, bootstrap: Bootstrap | None = None
) -> PairedComparison:
    """Describe the differences, second minus first, of one metric over the same cases.

    The test is Wilcoxon's signed-rank test, two-sided, pairs without difference left out
    (Wilcoxon, 1945); the interval is the bootstrap's of the mean difference. A case that lacks a
    value on one side (NaN: the structure is absent) is left out.

    Parameters
    ----------
    first, second
        (cases,), in the same order.
    bootstrap
        How the interval is computed.

    Returns
    -------
    PairedComparison
        Its ``p`` is None for fewer than six cases that differ.

    Examples
    --------
    >>> result = compare_pairs([0.5, 0.6, 0.7, 0.7], [0.6, 0.7, 0.7, float("nan")])
    >>> result["n"], round(result["difference"], 4), result["higher"], result["lower"], result["p"]
    (3, 0.0667, 2, 0, None)
    """
    a, b = (np.asarray(values, dtype=float) for values in (first, second))
    both = ~(np.isnan(a) | np.isnan(b))
    a, b = a[both], b[both]
    differences = b - a
    unlike = np.count_nonzero(differences)
    summary = describe(differences, bootstrap)
    return {
        "n": len(a),
        "mean_first": float(a.mean()) if len(a) else None,
        "mean_second": float(b.mean()) if len(a) else None,
        "difference": summary["mean"],
        "interval": summary["interval"],
        "higher": int((differences > 0).sum()),
        "lower": int((differences < 0).sum()),
        "p": float(wilcoxon(a, b).pvalue) if unlike >= FEWEST_PAIRS else None,
    }


FEWEST_RANKED = 10
"""Cases, below which a rank correlation says nothing."""


def rank_correlation(first: ArrayLike, second: ArrayLike) -> RankCorrelation:
    """Return Spearman's rank correlation (1904) of two numbers of the same cases.

    Parameters
    ----------
    first, second
        (cases,); a case that lacks one of them (NaN) is left out.

    Returns
    -------
    RankCorrelation
        Its ``rho`` and ``p`` are None for fewer than ten cases, or where all are equal.

    Examples
    --------
    >>> rank_correlation(range(10), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0])["rho"]
    -1.0
    >>> rank_correlation([1, 2, 3], [1, 2, 3])
    {'n': 3, 'rho': None, 'p': None}
    """
    a, b = (np.asarray(values, dtype=float) for values in (first, second))
    both = ~(np.isnan(a) | np.isnan(b))
    a, b = a[both], b[both]
    if len(a) < FEWEST_RANKED or np.ptp(a) == 0 or np.ptp(b) == 0:
        return {"n": len(a), "rho": None, "p": None}
    result = spearmanr(a, b)
    return {"n": len(a), "rho": round(float(result.statistic), 6), "p": float(result.pvalue)}
