"""The picture of one case as an array, for TensorBoard."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from monai.data import MetaTensor
from monai.data.utils import affine_to_spacing
from monai.utils import convert_to_numpy

from lamina.metrics import MeasureSettings
from lamina.output.pictures_comparison import comparison_picture
from lamina.tasks import read_labels


def panel_drawer(
    labels: Sequence[Mapping[str, Any]], measure: MeasureSettings | None = None
) -> Callable[[Mapping[str, Any]], np.ndarray]:
    """Return a function that draws a case with ``image``, ``label`` and ``pred``, (1, x, y[, z]).

    Parameters
    ----------
    labels
        As the task's JSON has them.
    measure
        What the task measures: a slice of a volume is turned as radiologists look at it, but in a
        layer task the depth runs down.

    Examples
    --------
    >>> import torch
    >>> mask = torch.zeros(1, 30, 20)
    >>> draw = panel_drawer([
    ...     {"value": 0, "name": "background", "color": [0, 0, 0]},
    ...     {"value": 1, "name": "lung", "color": [0, 120, 255]},
    ... ])
    >>> draw({"image": mask, "label": mask, "pred": mask}).dtype
    dtype('uint8')
    """
    known = read_labels(labels)

    def draw(case: Mapping[str, Any]) -> np.ndarray:
        image = case["image"]
        spacing, turn = [1.0] * (image.ndim - 1), None
        if isinstance(image, MetaTensor):
            affine = convert_to_numpy(image.affine)
            spacing = affine_to_spacing(affine, r=image.ndim - 1).tolist()
            turn = None if measure and measure.depth_axis is not None else affine
        label, pred = case["label"][0], case["pred"][0]
        picture = comparison_picture(image, label, pred, known, spacing=spacing, affine=turn)
        return np.asarray(picture)

    return draw
