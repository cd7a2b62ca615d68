"""Whether one number of a case tells another."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import spearmanr

FEWEST = 10
"""Cases, below which a rank correlation says nothing."""


def rank_correlation(first: ArrayLike, second: ArrayLike) -> dict[str, Any]:
    """Return Spearman's rank correlation (1904) of two numbers of the same cases.

    Parameters
    ----------
    first, second
        (cases,); a case that lacks one of them (NaN) is left out.

    Returns
    -------
    dict
        "n", "rho" and "p" (two-sided); None for fewer than ten cases, or where all are equal.

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
    if len(a) < FEWEST or np.ptp(a) == 0 or np.ptp(b) == 0:
        return {"n": len(a), "rho": None, "p": None}
    found = spearmanr(a, b)
    return {"n": len(a), "rho": round(float(found.statistic), 6), "p": float(found.pvalue)}
