"""A region as a network finds it: here too large, there too small."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from lamina.phantoms.fields import smooth_field

_SCALE = 0.06


def rough_region(
    rng: np.random.Generator, region: NDArray[np.bool_], error: float
) -> NDArray[np.bool_]:
    """Return a region whose edge lies elsewhere than the true one.

    Parameters
    ----------
    rng
        Draws how far the edge is off at each place.
    region
        (columns, rows).
    error
        The standard deviation of that distance, in parts of the picture's width. Where it is
        larger than half of the region's width, a hole appears.

    Examples
    --------
    >>> region = np.zeros((40, 50), dtype=bool)
    >>> region[10:30, 10:40] = True
    >>> rough = rough_region(np.random.default_rng(0), region, 0.03)
    >>> bool(0.7 < 2 * (rough & region).sum() / (rough.sum() + region.sum()) < 1)
    True
    """
    inside = distance_transform_edt(region) - distance_transform_edt(~region)
    width = region.shape[0]
    off = error * width * smooth_field(rng, region.shape, (_SCALE * width,) * region.ndim)
    return np.asarray(inside + off > 0)
