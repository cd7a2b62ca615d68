"""Pictures of one case: the image, the truth, the prediction, and where they differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from monai.utils import convert_to_numpy
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from lamina.errors import GeometryError
from lamina.pictures.views import View, choose_view, choose_views
from lamina.tasks.labels import Colour, Label

# Told apart with every kind of colour vision (after Okabe and Ito, 2008), and on grey.
ERROR_COLOURS: Mapping[str, Colour] = {
    "too much": (255, 130, 0),
    "missing": (0, 190, 255),
    "wrong structure": (240, 70, 220),
}


@dataclass(frozen=True)
class PictureSettings:
    """How pictures are drawn.

    Parameters
    ----------
    size
        The side in pixels of the square whose area a panel has; its shape follows the spacing.
    longest
        No side of a panel is longer than this many pixels.
    window
        The percentiles of the image's intensities that are shown black and white.
    opacity
        Of the structures' colours on the image.
    error_opacity
        Of the errors' colours in the difference.
    line
        The width in pixels of a contour.
    slice_axis
        The array's axis that runs through the slices of a volume.
    """

    size: int = 360
    longest: int = 640
    window: tuple[float, float] = (1.0, 99.0)
    opacity: float = 0.5
    error_opacity: float = 0.85
    line: int = 2
    slice_axis: int = -1


def comparison_views(
    image: Any,
    truth: Any,
    prediction: Any,
    labels: Sequence[Label],
    *,
    spacing: Sequence[float],
    affine: NDArray[np.floating] | None = None,
    settings: PictureSettings | None = None,
) -> dict[str, dict[str, Image.Image]]:
    """Draw the panels of each view of an image that `choose_views` names.

    Arguments and errors are those of `comparison_panels`.

    Examples
    --------
    >>> labels = [Label(0, "background", (0, 0, 0)), Label(1, "lung", (0, 120, 255))]
    >>> mask = np.zeros((30, 20, 9), dtype=int)
    >>> views = comparison_views(mask, mask, mask, labels, spacing=(1, 1, 2), affine=np.eye(4))
    >>> {name: list(panels) for name, panels in views.items()}["coronal"]
    ['image', 'truth', 'prediction', 'difference']
    """
    arrays = [without_channels(array, len(spacing)) for array in (image, truth, prediction)]
    check_shapes(arrays)
    views = choose_views((arrays[1] > 0) | (arrays[2] > 0), affine)
    settings = settings or PictureSettings()
    return {name: _panels(arrays, view, labels, spacing, settings) for name, view in views.items()}


def comparison_panels(
    image: Any,
    truth: Any,
    prediction: Any,
    labels: Sequence[Label],
    *,
    spacing: Sequence[float],
    affine: NDArray[np.floating] | None = None,
    settings: PictureSettings | None = None,
) -> dict[str, Image.Image]:
    """Draw "image", "truth", "prediction" and "difference", each a panel of one size.

    Parameters
    ----------
    image, truth, prediction
        (1, x, y[, z]) or (x, y[, z]) of one shape, numpy or torch; label maps but for the image,
        of which the first channel is shown.
    labels
        The task's labels, background first; their colours are used.
    spacing
        The distance of voxels along each axis: the panels are true to scale.
    affine
        Of a volume, 4×4 to RAS+ space: the slice is turned as ``pictures_view`` says.
    settings
        Sizes, window, opacity and the axis of the slices.

    Raises
    ------
    GeometryError
        If the shapes differ.

    Examples
    --------
    >>> labels = [Label(0, "background", (0, 0, 0)), Label(1, "lung", (0, 120, 255))]
    >>> mask = np.zeros((30, 20), dtype=int)
    >>> panels = comparison_panels(mask, mask, mask, labels, spacing=(1.0, 1.0))
    >>> {title: panel.size for title, panel in panels.items()}["difference"]
    (441, 294)
    """
    settings = settings or PictureSettings()
    arrays = [without_channels(array, len(spacing)) for array in (image, truth, prediction)]
    check_shapes(arrays)
    view = choose_view((arrays[1] > 0) | (arrays[2] > 0), affine, settings.slice_axis)
    return _panels(arrays, view, labels, spacing, settings)


def _panels(
    arrays: Sequence[NDArray],
    view: View,
    labels: Sequence[Label],
    spacing: Sequence[float],
    settings: PictureSettings,
) -> dict[str, Image.Image]:
    """Draw one slice of image, truth and prediction."""
    grey, true, predicted = (view.show(array) for array in arrays)
    panel = Panel(grey, view, spacing, settings)
    colours = [label.color for label in labels[1:]]
    errors = error_map(true, predicted)
    return {
        "image": panel.draw(),
        "truth": panel.draw(true, colours, settings.opacity),
        "prediction": panel.draw(predicted, colours, settings.opacity),
        "difference": panel.draw(errors, list(ERROR_COLOURS.values()), settings.error_opacity),
    }


def overlay_picture(
    image: Any,
    mask: Any,
    labels: Sequence[Label],
    *,
    spacing: Sequence[float],
    affine: NDArray[np.floating] | None = None,
    settings: PictureSettings | None = None,
) -> Image.Image:
    """Draw one label map on its image; arguments and errors as in ``comparison_panels``.

    Examples
    --------
    >>> labels = [Label(0, "background", (0, 0, 0)), Label(1, "lung", (0, 120, 255))]
    >>> mask = np.ones((30, 10), dtype=int)
    >>> overlay_picture(mask, mask, labels, spacing=(1.0, 3.0)).getpixel((5, 5))
    (0, 60, 127)
    """
    settings = settings or PictureSettings()
    grey, values = (without_channels(array, len(spacing)) for array in (image, mask))
    check_shapes([grey, values])
    view = choose_view(values, affine, settings.slice_axis)
    panel = Panel(view.show(grey), view, spacing, settings)
    return panel.draw(view.show(values), [label.color for label in labels[1:]], settings.opacity)


def error_map(truth: NDArray, prediction: NDArray) -> NDArray[np.uint8]:
    """Return 0 where two label maps agree, else the position in ``ERROR_COLOURS``, from 1.

    Examples
    --------
    >>> error_map(np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 0, 2]))
    array([0, 1, 0, 2, 3], dtype=uint8)
    """
    kinds = [(truth == 0), (prediction == 0), np.ones(truth.shape, dtype=bool)]
    errors = np.select(kinds, [1, 2, 3])
    return np.where(truth == prediction, 0, errors).astype(np.uint8)


@dataclass(frozen=True)
class Panel:
    """One slice of an image, on which label maps of the same slice are drawn."""

    image: NDArray
    view: View
    spacing: Sequence[float]
    settings: PictureSettings

    def draw(
        self, mask: NDArray | None = None, colours: Sequence[Colour] = (), opacity: float = 1.0
    ) -> Image.Image:
        """Draw the image, and on it the colours of a mask's values from 1 on."""
        grey = Image.fromarray(grey_levels(self.image, self.settings.window))
        size = self._size()
        base = grey.resize(size, Image.Resampling.BICUBIC)
        if mask is None:
            return base
        return _coloured(base, self._enlarged(mask), colours, opacity)

    def outline(self, mask: NDArray, colours: Sequence[Colour]) -> Image.Image:
        """Draw the image, and on it the borders of a mask's values from 1 on."""
        values, width = self._enlarged(mask), 2 * self.settings.line + 1
        around = (ndimage.minimum_filter(values, width), ndimage.maximum_filter(values, width))
        return _coloured(self.draw(), values * (around[0] != around[1]), colours, 1.0)

    def _enlarged(self, mask: NDArray) -> NDArray[np.uint8]:
        whole = Image.fromarray(mask.astype(np.uint8))
        return np.asarray(whole.resize(self._size(), Image.Resampling.NEAREST))

    def _size(self) -> tuple[int, int]:
        high, wide = np.multiply(self.image.shape, self.view.pixel_size(self.spacing))
        area_scale = self.settings.size / np.sqrt(high * wide)
        scale = min(area_scale, self.settings.longest / max(high, wide))
        return max(1, round(wide * scale)), max(1, round(high * scale))


def _coloured(
    base: Image.Image, values: NDArray, colours: Sequence[Colour], opacity: float
) -> Image.Image:
    palette = np.array([(0, 0, 0), *colours], dtype=np.uint8)
    cover = Image.fromarray((255 * opacity * (values > 0)).astype(np.uint8))
    return Image.composite(Image.fromarray(palette[values]), base.convert("RGB"), cover)


def grey_levels(image: NDArray, window: tuple[float, float]) -> NDArray[np.uint8]:
    """Return intensities as 0 … 255 between two percentiles of those that are finite.

    Examples
    --------
    >>> grey_levels(np.array([[-1.0, 0.0, 1.0, float("nan")]]), window=(0, 100))
    array([[  0, 127, 255,   0]], dtype=uint8)
    """
    finite = image[np.isfinite(image)].astype(float)
    low, high = np.percentile(finite, window) if finite.size else (0.0, 0.0)
    scaled = (image - low) / max(high - low, np.finfo(float).tiny)
    return (255 * np.nan_to_num(scaled, nan=0.0, posinf=1.0).clip(0, 1)).astype(np.uint8)


def without_channels(array: Any, spatial_dims: int) -> NDArray:
    """Return an image (x, y[, z]): the first channel where there are several."""
    values = convert_to_numpy(array)
    return values[0] if values.ndim == spatial_dims + 1 else values


def check_shapes(arrays: Sequence[NDArray]) -> None:
    """Raise ``GeometryError`` where shapes differ."""
    shapes = [array.shape for array in arrays]
    if len(set(shapes)) > 1:
        raise GeometryError(
            f"image, truth and prediction have the shapes {', '.join(map(str, shapes))}",
            "bring them to one grid before they are drawn",
        )
