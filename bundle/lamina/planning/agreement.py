"""How well a label agrees with its image, and how much worse its mirror image would.

Three simple scores, none of which needs to know what the structures are: how steep the image is
along the label's edges, and how much of the image's variance the label explains, near the
structures and everywhere.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

MOST = {2: 192, 3: 64}
"""Voxels along an axis that are looked at: more says nothing new."""
NEAR = 3
"""Voxels around the edges that count as near."""
SCORES = 3

Values = NDArray[np.floating]


def mirror_losses(
    image: NDArray[np.float32], label: NDArray[np.int32]
) -> tuple[tuple[float, ...], ...]:
    """Return for each axis what each score loses when the label is mirrored along it.

    Above 0 the label agrees better with its image as it is.

    Examples
    --------
    >>> label = np.zeros((20, 30), dtype=np.int32)
    >>> label[3:8, 10:20] = 1
    >>> across, along = mirror_losses(label.astype(np.float32), label)
    >>> all(loss > 0 for loss in across), along
    (True, (0.0, 0.0, 0.0))
    """
    image, label = _thinned(image), _thinned(label)
    soft = ndimage.gaussian_filter(image, 1.0)
    low, high = np.percentile(soft, (1, 99))
    soft = np.clip((soft - low) / max(high - low, np.finfo(np.float32).tiny), 0, 1)
    steep = ndimage.gaussian_gradient_magnitude(soft, 0.5)
    upright = _scores(soft, steep, label)
    mirrored = [_scores(soft, steep, np.flip(label, axis)) for axis in range(label.ndim)]
    return tuple(tuple(float(a - b) for a, b in zip(upright, one, strict=True)) for one in mirrored)


def _thinned(values: NDArray) -> NDArray:
    most = MOST[values.ndim]
    return values[tuple(slice(None, None, -(-length // most)) for length in values.shape)]


def _scores(soft: Values, steep: Values, label: NDArray[np.int32]) -> tuple[float, ...]:
    edge = ndimage.maximum_filter(label, 3) != ndimage.minimum_filter(label, 3)
    if not edge.any():
        return (0.0,) * SCORES
    steepness = np.log(max(steep[edge].mean(), 1e-9) / max(steep.mean(), 1e-9))
    near = ndimage.binary_dilation(edge, iterations=NEAR)
    return float(steepness), _explained(soft[near], label[near]), _explained(soft, label)


def _explained(values: Values, label: NDArray[np.int32]) -> float:
    """Return the share of the variance that lies between the classes (eta squared)."""
    classes = np.unique(label.ravel(), return_inverse=True)[1]
    counts = np.bincount(classes)
    means = np.bincount(classes, values.ravel()) / counts
    between = (counts * (means - values.mean()) ** 2).sum() / values.size
    return float(between / max(values.var(), np.finfo(np.float32).tiny))
