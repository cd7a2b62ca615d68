"""Labels that lie mirrored on their images."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.stats import median_abs_deviation

from lamina.planning.survey import CaseSurvey, Survey

FEWEST = 8
"""Cases below which it is unknown where structures usually lie."""
USUAL = 0.8
"""Fraction of the cases that must have a structure for its position to count."""
CLEARLY = 2.0
"""Times further from the usual position than its mirror image."""
MARGIN = 0.3
"""Fraction of the usual advantage of labels as they are that the mirrored one has at least: of 44
X-rays one right mask, of both lungs in one, had an advantage of 0.2 mirrored."""
SMALLEST_SPREAD = 0.02
"""Of positions, as a fraction of the image: labels never agree more exactly."""

NAMES = {
    2: ("left-right", "top-bottom"),
    3: ("left-right", "back-front", "foot-head"),
}


def find_flipped(survey: Survey) -> list[tuple[CaseSurvey, str]]:
    """Return the cases whose label is mirrored against its image, with the axis' name."""
    count = len(survey.cases)
    usual = [
        value
        for value in survey.values
        if sum(value in case.structures for case in survey.cases) >= USUAL * count
    ]
    cases = [case for case in survey.cases if _comparable(case, usual, survey.dims)]
    if len(cases) < FEWEST or not usual:
        return []
    flipped = []
    for axis, name in enumerate(NAMES[survey.dims]):
        losses = np.array([case.mirror_losses[axis] for case in cases])
        positions = np.array([_positions(case, usual, axis) for case in cases])
        both = _agrees_mirrored(losses) & _lies_mirrored(positions)
        flipped += [(cases[at], name) for at in np.flatnonzero(both)]
    return flipped


def _comparable(case: CaseSurvey, usual: Sequence[int], dims: int) -> bool:
    return len(case.mirror_losses) == dims and set(usual) <= set(case.structures)


def _positions(case: CaseSurvey, values: Sequence[int], axis: int) -> list[float]:
    """Return where structures lie, from the image's middle and from each other's."""
    centres = [case.structures[value].centre[axis] for value in values]
    middle = sum(centres) / len(centres)
    return [centre - 0.5 for centre in centres] + [centre - middle for centre in centres[:-1]]


def _agrees_mirrored(losses: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Say which cases agree clearly better with the mirrored label where most do not."""
    spread = np.maximum(median_abs_deviation(losses, scale="normal"), 1e-9)
    sums = (losses / spread).sum(axis=1)
    usual = np.median(sums)
    return np.asarray((sums < -MARGIN * usual) & (usual > 1))


def _lies_mirrored(positions: NDArray[np.floating]) -> NDArray[np.bool_]:
    usual, spread = (
        np.median(positions, axis=0),
        np.maximum(median_abs_deviation(positions, scale="normal"), SMALLEST_SPREAD),
    )
    apart, mirrored = (
        np.abs((sign * positions - usual) / spread).mean(axis=1) for sign in (1.0, -1.0)
    )
    return np.asarray(apart > CLEARLY * np.maximum(mirrored, 1.0))


MOST = {2: 192, 3: 64}
"""Voxels along an axis that are used: more add nothing."""
NEAR = 3
"""Voxels around the edges that count as near."""
SCORES = 3

Values = NDArray[np.floating]


def mirror_losses(
    image: NDArray[np.float32], label: NDArray[np.int32]
) -> tuple[tuple[float, ...], ...]:
    """Return for each axis what each score loses when the label is mirrored along it.

    Above 0 the label agrees better with its image as it is.

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
    return tuple(
        tuple(float(a - b) for a, b in zip(upright, scores, strict=True)) for scores in mirrored
    )


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
    """Return the fraction of the variance that lies between the classes (eta squared)."""
    classes = np.unique(label.ravel(), return_inverse=True)[1]
    counts = np.bincount(classes)
    means = np.bincount(classes, values.ravel()) / counts
    between = (counts * (means - values.mean()) ** 2).sum() / values.size
    return float(between / max(values.var(), np.finfo(np.float32).tiny))
