"""Two ways to segment, compared case by case."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import wilcoxon

from lamina.metrics.statistics import Bootstrap, describe

FEWEST = 6
"""Cases that differ, below which no result of the test could be below 0.05."""


def compare_pairs(
    first: ArrayLike, second: ArrayLike, bootstrap: Bootstrap | None = None
) -> dict[str, Any]:
    """Describe the differences, second minus first, of one metric over the same cases.

    The test is Wilcoxon's signed-rank test, two-sided, pairs without difference left out
    (Wilcoxon, 1945); the interval is the bootstrap's of the mean difference. A case that lacks a
    value on one side (NaN: the structure is absent) is left out.

    Parameters
    ----------
    first, second
        (cases,), in the same order.
    bootstrap
        How the interval is found.

    Returns
    -------
    dict
        "n", "mean_first", "mean_second", "difference" (of the means), "interval" ([low, high] or
        None), "higher" and "lower" (cases where the second is so), "p" (None for fewer than six
        cases that differ).

    Examples
    --------
    >>> found = compare_pairs([0.5, 0.6, 0.7, 0.7], [0.6, 0.7, 0.7, float("nan")])
    >>> found["n"], round(found["difference"], 4), found["higher"], found["lower"], found["p"]
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
        "p": float(wilcoxon(a, b).pvalue) if unlike >= FEWEST else None,
    }
