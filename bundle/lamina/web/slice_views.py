"""The slices of a result as pictures: three planes of a volume, or the picture itself.

Slices of a patient's volume stand as radiologists look at them (`lamina.pictures.views`),
those of a layer task as they were scanned.
"""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamina.pictures.views import View, choose_view, slice_view
from lamina.web.descriptions import PlaneState
from lamina.writers.segmented_case import SegmentedCase, depth_axis, spacing_of

_ANATOMICAL = ("sagittal", "coronal", "axial")
_WINDOW = (1.0, 99.0)
_SAMPLE = 2_000_000


class SliceViews:
    """An image and its label map, ready to be shown slice by slice.

    Parameters
    ----------
    case
        What was predicted.
    """

    def __init__(self, case: SegmentedCase) -> None:
        self._affine = case.affine
        self._depth = depth_axis(case)
        self._is_volume = case.label.ndim == 3
        self.planes = {plane["name"]: plane for plane in _planes(case)}

    def describe(self) -> list[PlaneState]:
        """Return what clients are told."""
        return [*self.planes.values()]

    def show(self, array: NDArray[np.uint8], name: str, index: int) -> bytes:
        """Return a slice of an array of the case's shape as a grey PNG.

        Raises
        ------
        KeyError, IndexError
            If there is no such plane or slice.
        """
        plane = self.planes[name]
        if not 0 <= index < plane["slices"]:
            raise IndexError(index)
        if not self._is_volume:
            return png(array.T)
        return png(volume_view(plane["axis"], index, self._affine, self._depth).show(array))


def volume_view(axis: int, index: int, affine: NDArray[np.floating], depth: int | None) -> View:
    """Return how a slice is looked at: a patient's upright, one of layers with the depth down.

    >>> volume_view(0, 3, np.eye(4), depth=1)
    View(axes=(1, 2), flipped=(False, False), through=(0, 3))
    """
    if depth is None:
        return slice_view(axis, index, affine)
    if axis == depth:
        return slice_view(axis, index)
    (right,) = {0, 1, 2} - {axis, depth}
    return View((depth, right), (False, False), (axis, index))


def png(picture: NDArray[np.uint8]) -> bytes:
    """Return (rows, columns[, 3]) as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(file, "png", compress_level=1)
    return file.getvalue()


def grey_image(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Return an image as 0 … 255, one window for all its slices, in little memory.

    >>> grey_image(np.linspace(-1, 1, 256).reshape(16, 16))[[0, 8, 15], [0, 0, 15]].tolist()
    [0, 128, 255]
    """
    sample = image.ravel()[:: max(image.size // _SAMPLE, 1)]
    low, high = np.percentile(sample, _WINDOW)
    scale = 255 / (high - low) if high > low else 0.0
    grey = np.empty(image.shape, np.uint8)
    for into, plane in zip(grey, image, strict=True):
        into[...] = ((plane - low) * scale).clip(0, 255)
    return grey


def _planes(case: SegmentedCase) -> list[PlaneState]:
    spacing = spacing_of(case)
    if case.label.ndim == 2:
        wide, high = spacing
        return [PlaneState(name="picture", axis=2, slices=1, best=0, wide=wide, high=high)]
    planes = []
    for axis in (2, 1, 0):
        best = choose_view(case.label > 0, slice_axis=axis).through
        index = best[1] if best else 0
        view = volume_view(axis, index, case.affine, depth_axis(case))
        high, wide = view.pixel_size(spacing)
        planes.append(
            PlaneState(
                name=_name(case, axis),
                axis=axis,
                slices=case.label.shape[axis],
                best=index,
                wide=wide,
                high=high,
            )
        )
    return planes


def _name(case: SegmentedCase, axis: int) -> str:
    depth = depth_axis(case)
    if depth is not None:
        return {2: "B-scan", depth: "en face"}.get(axis, "across B-scans")
    world = np.abs(case.affine[:3, :3]).argmax(axis=0)
    names = [_ANATOMICAL[direction] for direction in world]
    return names[axis] if len(set(names)) == 3 else f"along axis {'xyz'[axis]}"
