"""Grey values of one scanner as another would have given them."""

import numpy as np
from numpy.typing import NDArray


def histogram(values: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how often each of the 256 greys occurs.

    >>> histogram(np.array([0, 3, 3], dtype=np.uint8))[:5].tolist()
    [1, 0, 0, 2, 0]
    """
    return np.bincount(values.reshape(-1), minlength=256)


def match_histogram(values: NDArray[np.uint8], reference: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return values whose cumulative histogram follows that of a reference.

    A grey becomes the one below which the same share of the reference lies (interpolated, as
    ``skimage.exposure.match_histograms`` does it); a table of 256 greys does for any volume, and
    the reference need not be at hand, but its histogram.

    Parameters
    ----------
    values
        Any shape.
    reference
        256 counts.

    Examples
    --------
    >>> values = np.array([0, 1, 1, 2], dtype=np.uint8)
    >>> match_histogram(values, histogram(10 * values)).tolist()
    [0, 10, 10, 20]
    """
    own = np.cumsum(histogram(values)) / values.size
    shares = np.cumsum(reference) / reference.sum()
    used = np.flatnonzero(reference)
    table = np.interp(own, shares[used], used)
    return table.round().astype(np.uint8)[values]
