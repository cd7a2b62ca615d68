"""Values that are far above the others."""

from collections.abc import Sequence

import numpy as np

FEWEST = 5
"""Values, below which none can be said to be unusual."""


def unusually_high(values: Sequence[float]) -> list[bool]:
    """Say of each value whether it lies above Tukey's upper fence (1977).

    That is the third quartile and one and a half times the distance of the quartiles.

    Examples
    --------
    >>> unusually_high([0.1, 0.12, 0.1, 0.11, 0.5])
    [False, False, False, False, True]
    """
    if len(values) < FEWEST:
        return [False] * len(values)
    low, high = np.percentile(values, (25, 75))
    return [bool(value > high + 1.5 * (high - low)) for value in values]
