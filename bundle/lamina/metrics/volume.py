"""How far the size of a predicted structure is from the true one: volumes, or areas in 2D."""

from collections.abc import Sequence

import numpy as np

VOLUME_METRICS = ("volume_truth", "volume_prediction", "volume_error", "relative_volume_error")


def volume_scores(in_prediction: int, in_truth: int, spacing: Sequence[float]) -> dict[str, float]:
    """Return the metrics of ``VOLUME_METRICS`` from the numbers of voxels of one structure.

    The relative error is (P - T) / ((P + T) / 2), the volume similarity of ITK's
    ``LabelOverlapMeasuresImageFilter``: it is defined for a missed (-2) and a false (+2)
    structure too, so that none must be left out.

    Parameters
    ----------
    in_prediction, in_truth
        The numbers of voxels.
    spacing
        In mm along each axis: sizes are in mm³ for three axes, in mm² for two.

    Returns
    -------
    dict
        NaN throughout where the structure is in neither.

    Examples
    --------
    >>> volume_scores(30, 20, spacing=(1.0, 0.5, 0.2))["volume_error"]
    1.0
    """
    if in_prediction == in_truth == 0:
        return dict.fromkeys(VOLUME_METRICS, float("nan"))
    voxel = float(np.prod(spacing))
    difference = in_prediction - in_truth
    return {
        "volume_truth": in_truth * voxel,
        "volume_prediction": in_prediction * voxel,
        "volume_error": difference * voxel,
        "relative_volume_error": 2 * difference / (in_prediction + in_truth),
    }
