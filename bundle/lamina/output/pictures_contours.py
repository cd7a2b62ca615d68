"""Several label maps of one image, each as contours on it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamina.output.pictures import Panel, PictureSettings, check_shapes, without_channels
from lamina.output.pictures_view import choose_view
from lamina.tasks import Label


def contour_panels(
    image: Any,
    masks: Mapping[str, NDArray],
    labels: Sequence[Label],
    *,
    spacing: Sequence[float],
    focus: NDArray,
    affine: NDArray[np.floating] | None = None,
    settings: PictureSettings | None = None,
) -> dict[str, Image.Image]:
    """Draw "image", and on it the contours of each label map.

    Parameters
    ----------
    image, labels, spacing, affine, settings
        As in ``comparison_panels``.
    masks
        Label maps by title.
    focus
        (x, y[, z]): of a volume the slice is shown in which most of it is not 0.

    Raises
    ------
    GeometryError
        If the shapes differ.

    Examples
    --------
    >>> labels = [Label(0, "background", (0, 0, 0)), Label(1, "lung", (0, 120, 255))]
    >>> mask = np.zeros((30, 20), dtype=int)
    >>> panels = contour_panels(mask, {"A": mask}, labels, spacing=(1.0, 1.0), focus=mask)
    >>> list(panels)
    ['image', 'A']
    """
    settings = settings or PictureSettings()
    grey = without_channels(image, len(spacing))
    check_shapes([grey, focus, *masks.values()])
    view = choose_view(focus, affine, settings.slice_axis)
    panel = Panel(view.show(grey), view, spacing, settings)
    colours = [label.color for label in labels[1:]]
    drawn = {title: panel.outline(view.show(mask), colours) for title, mask in masks.items()}
    return {"image": panel.draw(), **drawn}
