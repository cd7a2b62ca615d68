"""One small picture per case: how its label lies on its image, for the page of a plan."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamina.pictures.panels import PictureSettings, Scene, grey_levels, overlay_picture
from lamina.pictures.views import choose_view
from lamina.planning.survey import Thumbnail
from lamina.readers.grid import Grid
from lamina.tasks.labels import Label

SIDE = 168
"""Pixels of a picture's longer side."""
QUALITY = 80
WINDOW = (1.0, 99.0)
COARSE = 1.5
"""An axis so many times as coarse as the finest is the one between slices."""


def make_thumbnail(image: NDArray[np.float32], label: NDArray[np.int32], grid: Grid) -> Thumbnail:
    """Return the slice with most structure, true to scale, as radiologists look at it.

    Slices of volumes lie across the coarsest axis, or the last where no axis is much coarser.

    >>> mask = np.zeros((30, 60, 5), dtype=np.int32)
    >>> make_thumbnail(mask.astype(np.float32), mask, Grid(mask.shape, np.eye(4))).grey.shape
    (168, 84)
    """
    coarsest = int(np.argmax(grid.spacing))
    axis = coarsest if grid.spacing[coarsest] > COARSE * min(grid.spacing) else -1
    values, counts = np.unique(label, return_counts=True)
    view = choose_view(
        label != values[counts.argmax()], grid.affine if label.ndim == 3 else None, axis
    )
    size = _size(view.show(label).shape, view.pixel_size(grid.spacing))
    grey = Image.fromarray(grey_levels(view.show(image), WINDOW))
    mask = Image.fromarray(np.ascontiguousarray(view.show(label), dtype=np.int32))
    return Thumbnail(
        np.asarray(grey.resize(size, Image.Resampling.BILINEAR)),
        np.asarray(mask.resize(size, Image.Resampling.NEAREST)),
    )


def thumbnail_jpeg(
    thumbnail: Thumbnail, labels: Sequence[Label], classes: Mapping[int, int]
) -> bytes:
    """Return a JPEG of a case; ``classes`` gives the index in ``labels`` of a label's value."""
    drawn = np.zeros(thumbnail.mask.shape, np.int32)
    for value, index in classes.items():
        drawn[thumbnail.mask == value] = index
    settings = PictureSettings(size=SIDE, longest=SIDE, window=(0, 100), opacity=0.45)
    scene = Scene(thumbnail.grey.T, labels, (1.0, 1.0), settings=settings)
    picture = overlay_picture(scene, drawn.T)
    stream = io.BytesIO()
    picture.convert("RGB").save(stream, format="JPEG", quality=QUALITY)
    return stream.getvalue()


def _size(shape: tuple[int, ...], pixel: tuple[float, float]) -> tuple[int, int]:
    high, wide = np.multiply(shape, pixel)
    scale = SIDE / max(high, wide)
    return max(round(wide * scale), 1), max(round(high * scale), 1)
