"""How well predicted probabilities fit the reference, one class against the rest."""

import numpy as np
from numpy.typing import NDArray

from lamina.metrics.confusion import check_same_shape

PROBABILITY_METRICS = ("cross_entropy", "average_precision")

Floats = NDArray[np.floating]


def probability_scores(probability: Floats, reference: NDArray[np.bool_]) -> dict[str, float]:
    """Return the metrics of ``PROBABILITY_METRICS`` for one structure.

    Parameters
    ----------
    probability, reference
        The predicted probability of the structure and its true mask, of one shape.

    Raises
    ------
    GeometryError
        If the shapes differ.

    Examples
    --------
    >>> scores = probability_scores(np.array([0.9, 0.6, 0.2]), np.array([True, False, False]))
    >>> {name: round(score, 3) for name, score in scores.items()}
    {'cross_entropy': 0.415, 'average_precision': 1.0}
    """
    check_same_shape(probability, reference)
    return {
        "cross_entropy": cross_entropy(probability, reference),
        "average_precision": average_precision(probability, reference),
    }


def cross_entropy(probability: Floats, reference: NDArray[np.bool_]) -> float:
    """Return the mean of -log(p) inside the structure and of -log(1 - p) outside, over all voxels.

    Probabilities are kept off 0 and 1 by the rounding error of their type, as in scikit-learn.

    Examples
    --------
    >>> round(cross_entropy(np.array([0.5, 0.5]), np.array([True, False])), 4)
    0.6931
    """
    margin = np.finfo(probability.dtype).eps
    of_reference = np.where(reference, probability, 1 - probability)
    return float(-np.log(of_reference.clip(margin, 1 - margin)).mean(dtype=float))


def average_precision(probability: Floats, reference: NDArray[np.bool_]) -> float:
    """Return the sum over all thresholds of precision times gain in recall.

    0 where the reference has no voxel of the structure, as in scikit-learn.

    Examples
    --------
    >>> average_precision(np.array([0.9, 0.8, 0.7, 0.1]), np.array([True, False, True, False]))
    0.8333333333333333
    """
    positives = int(reference.sum())
    if positives == 0:
        return 0.0
    order = np.argsort(-probability, axis=None, kind="stable")
    scores, hits = probability.ravel()[order], np.cumsum(reference.ravel()[order])
    # Voxels of one probability pass the threshold together: only the last of each group counts.
    ends = np.append(np.flatnonzero(np.diff(scores)), scores.size - 1)
    precision = hits[ends] / (ends + 1)
    gained = np.diff(hits[ends], prepend=0) / positives
    return float((precision * gained).sum())
