"""Panels of one case: the image, the reference, the prediction, and where they differ."""

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
from lamina.tasks.labels import IGNORED, Colour, Label

# Distinguishable with every kind of colour vision (after Okabe and Ito, 2008), and on grey.
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


@dataclass(frozen=True)
class Scene:
    """An image, and how label maps are drawn on it.

    Parameters
    ----------
    image
        (1, x, y[, z]) or (x, y[, z]), numpy or torch, of which the first channel is shown.
    labels
        The task's labels, background first; their colours are used.
    spacing
        The distance of voxels along each axis: the panels are true to scale.
    affine
        Of a volume, 4×4 to RAS+ space: the slice is turned as `lamina.pictures.views` says.
    settings
        Sizes, window, opacity and the axis of the slices.
    """

    image: Any
    labels: Sequence[Label]
    spacing: Sequence[float]
    affine: NDArray[np.floating] | None = None
    settings: PictureSettings = PictureSettings()

    def arrays(self, *label_maps: Any) -> list[NDArray]:
        """Return image and label maps without channels; raise GeometryError where shapes differ."""
        values = [convert_to_numpy(array) for array in (self.image, *label_maps)]
        dims = len(self.spacing)
        arrays = [array[0] if array.ndim == dims + 1 else array for array in values]
        shapes = [array.shape for array in arrays]
        if len(set(shapes)) > 1:
            raise GeometryError(
                f"the image and its label maps have the shapes {', '.join(map(str, shapes))}",
                "bring them to one grid before they are drawn",
            )
        return arrays

    @property
    def colours(self) -> list[Colour]:
        """Colours of the structures."""
        return [label.color for label in self.labels[1:]]


def comparison_views(
    scene: Scene, reference: Any, prediction: Any
) -> dict[str, dict[str, Image.Image]]:
    """Draw the panels of `comparison_panels` for each view of an image that `choose_views` names.

    >>> labels = [Label(0, "background", (0, 0, 0)), Label(1, "lung", (0, 120, 255))]
    >>> mask = np.zeros((30, 20, 9), dtype=int)
    >>> views = comparison_views(Scene(mask, labels, (1, 1, 2), np.eye(4)), mask, mask)
    >>> {name: list(panels) for name, panels in views.items()}["coronal"]
    ['image', 'reference', 'prediction', 'difference']
    """
    arrays = scene.arrays(reference, prediction)
    views = choose_views((arrays[1] > 0) | (arrays[2] > 0), scene.affine)
    return {name: _panels(scene, arrays, view) for name, view in views.items()}


def comparison_panels(scene: Scene, reference: Any, prediction: Any) -> dict[str, Image.Image]:
    """Draw "image", "reference", "prediction" and "difference", each a panel of one size.

    Parameters
    ----------
    scene
        The image, and how it is drawn.
    reference, prediction
        Label maps of the image's shape.

    Raises
    ------
    GeometryError
        If the shapes differ.

    Examples
    --------
    >>> labels = [Label(0, "background", (0, 0, 0)), Label(1, "lung", (0, 120, 255))]
    >>> mask = np.zeros((30, 20), dtype=int)
    >>> panels = comparison_panels(Scene(mask, labels, (1.0, 1.0)), mask, mask)
    >>> {title: panel.size for title, panel in panels.items()}["difference"]
    (441, 294)
    """
    arrays = scene.arrays(reference, prediction)
    foreground = (arrays[1] > 0) | (arrays[2] > 0)
    return _panels(scene, arrays, choose_view(foreground, scene.affine, scene.settings.slice_axis))


def _panels(scene: Scene, arrays: Sequence[NDArray], view: View) -> dict[str, Image.Image]:
    grey, reference, prediction = (view.show(array) for array in arrays)
    panel, opacity = Panel(grey, view, scene), scene.settings.opacity
    errors = error_map(reference, prediction)
    return {
        "image": panel.draw(),
        "reference": panel.draw(reference, scene.colours, opacity),
        "prediction": panel.draw(prediction, scene.colours, opacity),
        "difference": panel.draw(errors, [*ERROR_COLOURS.values()], scene.settings.error_opacity),
    }


def overlay_picture(scene: Scene, mask: Any) -> Image.Image:
    """Draw one label map on its image; errors as in `comparison_panels`.

    >>> labels = [Label(0, "background", (0, 0, 0)), Label(1, "lung", (0, 120, 255))]
    >>> mask = np.ones((30, 10), dtype=int)
    >>> overlay_picture(Scene(mask, labels, (1.0, 3.0)), mask).getpixel((5, 5))
    (0, 60, 127)
    """
    grey, values = scene.arrays(mask)
    view = choose_view(values, scene.affine, scene.settings.slice_axis)
    panel = Panel(view.show(grey), view, scene)
    return panel.draw(view.show(values), scene.colours, scene.settings.opacity)


def error_map(reference: NDArray, prediction: NDArray) -> NDArray[np.uint8]:
    """Return 0 where two label maps agree or nobody annotated, else the position in ``ERROR_COLOURS``, from 1.

    >>> error_map(np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 0, 2]))
    array([0, 1, 0, 2, 3], dtype=uint8)
    """
    errors = np.select([reference == 0, prediction == 0], [1, 2], 3)
    return np.where((reference == prediction) | (reference == IGNORED), 0, errors).astype(np.uint8)


@dataclass(frozen=True)
class Panel:
    """One slice of an image, on which label maps of the same slice are drawn."""

    image: NDArray
    view: View
    scene: Scene

    def draw(
        self, mask: NDArray | None = None, colours: Sequence[Colour] = (), opacity: float = 1.0
    ) -> Image.Image:
        """Draw the image, and on it the colours of a mask's values from 1 on."""
        grey = Image.fromarray(grey_levels(self.image, self.scene.settings.window))
        base = grey.resize(self._size(), Image.Resampling.BICUBIC)
        if mask is None:
            return base
        return _coloured(base, self._enlarged(mask), colours, opacity)

    def outline(self, mask: NDArray, colours: Sequence[Colour]) -> Image.Image:
        """Draw the image, and on it the borders of a mask's values from 1 on."""
        values, width = self._enlarged(mask), 2 * self.scene.settings.line + 1
        lowest, highest = (
            f(values, width) for f in (ndimage.minimum_filter, ndimage.maximum_filter)
        )
        return _coloured(self.draw(), values * (lowest != highest), colours, 1.0)

    def _enlarged(self, mask: NDArray) -> NDArray[np.uint8]:
        whole = Image.fromarray(mask.clip(0).astype(np.uint8))
        return np.asarray(whole.resize(self._size(), Image.Resampling.NEAREST))

    def _size(self) -> tuple[int, int]:
        high, wide = np.multiply(self.image.shape, self.view.pixel_size(self.scene.spacing))
        settings = self.scene.settings
        scale = min(settings.size / np.sqrt(high * wide), settings.longest / max(high, wide))
        return max(1, round(wide * scale)), max(1, round(high * scale))


def _coloured(
    base: Image.Image, values: NDArray, colours: Sequence[Colour], opacity: float
) -> Image.Image:
    palette = np.array([(0, 0, 0), *colours], dtype=np.uint8)
    cover = Image.fromarray((255 * opacity * (values > 0)).astype(np.uint8))
    return Image.composite(Image.fromarray(palette[values]), base.convert("RGB"), cover)


def grey_levels(image: NDArray, window: tuple[float, float]) -> NDArray[np.uint8]:
    """Return intensities as 0 … 255 between two percentiles of those that are finite.

    >>> grey_levels(np.array([[-1.0, 0.0, 1.0, float("nan")]]), window=(0, 100))
    array([[  0, 127, 255,   0]], dtype=uint8)
    """
    finite = image[np.isfinite(image)].astype(float)
    low, high = np.percentile(finite, window) if finite.size else (0.0, 0.0)
    scaled = (image - low) / max(high - low, np.finfo(float).tiny)
    return (255 * np.nan_to_num(scaled, nan=0.0, posinf=1.0).clip(0, 1)).astype(np.uint8)
