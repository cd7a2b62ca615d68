"""Mean, median, spread and bootstrap interval of a metric over cases."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Table = NDArray[np.float64]


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are found: by drawing the cases anew, with replacement.

    Parameters
    ----------
    confidence
        The share of draws that the interval holds.
    resamples
        The number of draws.
    seed
        The same seed gives the same interval.
    """

    confidence: float = 0.95
    resamples: int = 2000
    seed: int = 0


def describe(scores: ArrayLike, bootstrap: Bootstrap | None = None) -> dict[str, Any]:
    """Describe the values of one metric over cases, and over classes where there are several.

    The mean is over the classes of the means over the cases. The interval is the percentile
    bootstrap's (Efron, 1979) of that mean, cases drawn whole. Median and standard deviation
    (n - 1) are those of the cases, each its mean over its classes. NaN (absent) is left out.

    Parameters
    ----------
    scores
        (cases,) or (cases, classes).
    bootstrap
        How the interval is found; 95 % of 2,000 draws by default.

    Returns
    -------
    dict
        "mean", "median", "std", "interval" ([low, high]) and "n", the number of cases that count.
        None for what the number of cases does not allow.

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
