"""From an array in index order to a picture as it is looked at.

Arrays are (x, y) or (x, y, z); pictures are (rows, columns). A 2D array is shown as it lies, x to
the right and y down. Of a volume one slice is shown, turned by its affine into the radiological
convention: the patient's left is on the picture's right, anterior or superior is up (and, in a
sagittal slice, anterior is on the left).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

PLANES = ("sagittal", "coronal", "axial")
"""The planes that the axes of RAS+ space run through."""

# The display's right and down, as signs of the RAS+ axes: to the left, the back and the feet.
_DISPLAY_SIGN = -1


@dataclass(frozen=True)
class View:
    """Which slice of a volume is shown, and how it is turned.

    ``axes`` are the array's axes that run down and to the right, ``flipped`` whether each runs
    against that. ``through`` is the axis and the index of the slice; None in 2D.
    """

    axes: tuple[int, int]
    flipped: tuple[bool, bool]
    through: tuple[int, int] | None = None

    def show(self, array: NDArray) -> NDArray:
        """Return the slice of an (x, y[, z]) array as (rows, columns).

        >>> View(axes=(1, 0), flipped=(True, False)).show(np.array([[1, 2], [3, 4], [5, 6]]))
        array([[2, 4, 6],
               [1, 3, 5]])
        """
        plane = array if self.through is None else array.take(self.through[1], self.through[0])
        down, right = self.axes
        return (plane if down < right else plane.T)[self._steps]

    def restore(self, picture: NDArray) -> NDArray:
        """Return a picture (rows, columns) as the slice of the array that it shows.

        >>> view = View(axes=(1, 0), flipped=(True, False))
        >>> view.restore(np.array([[2, 4, 6], [1, 3, 5]])).tolist()
        [[1, 2], [3, 4], [5, 6]]
        """
        down, right = self.axes
        plane = picture[self._steps]
        return plane if down < right else plane.T

    @property
    def _steps(self) -> tuple[slice, ...]:
        return tuple(slice(None, None, -1 if flip else 1) for flip in self.flipped)

    @property
    def index(self) -> int:
        """Which slice of a volume it is, from 0."""
        return self.through[1] if self.through else 0

    def pixel_size(self, spacing: Sequence[float]) -> tuple[float, float]:
        """Return how high and how wide a pixel of the picture is."""
        return spacing[self.axes[0]], spacing[self.axes[1]]


def choose_view(
    foreground: NDArray[Any], affine: NDArray[np.floating] | None = None, slice_axis: int = -1
) -> View:
    """Choose the slice with most foreground, or the middle one where there is none.

    Parameters
    ----------
    foreground
        (x, y) or (x, y, z), not 0 where there is foreground.
    affine
        From indices to RAS+ space, 4×4. Without it the slice is shown as it lies.
    slice_axis
        The array's axis that runs through the slices of a volume.

    Examples
    --------
    >>> volume = np.zeros((3, 4, 5), dtype=bool)
    >>> volume[1, 2, 3] = True
    >>> choose_view(volume, affine=np.eye(4))
    View(axes=(1, 0), flipped=(True, True), through=(2, 3))
    """
    if foreground.ndim == 2:
        return View(axes=(1, 0), flipped=(False, False))
    through = slice_axis % 3
    others = tuple(axis for axis in range(3) if axis != through)
    counts = np.count_nonzero(foreground, axis=others)
    index = int(counts.argmax()) if counts.any() else len(counts) // 2
    return slice_view(through, index, affine)


def choose_views(
    foreground: NDArray[Any], affine: NDArray[np.floating] | None = None
) -> dict[str, View]:
    """Choose what is shown of an image, by name: a picture, three planes, or three slices.

    Parameters
    ----------
    foreground
        (x, y) or (x, y, z), not 0 where there is foreground.
    affine
        From indices to RAS+ space, 4×4. With it the slices with most foreground in the axial,
        coronal and sagittal plane are shown, that of the last axis first. Without it, slices
        along the last axis as they lie: the one with most foreground, and those at a quarter and
        three quarters of the slices with foreground.

    Examples
    --------
    >>> list(choose_views(np.ones((3, 4, 9)), np.eye(4))), list(choose_views(np.ones((3, 4, 9))))
    (['axial', 'coronal', 'sagittal'], ['slice 1 of 9', 'slice 3 of 9', 'slice 7 of 9'])
    """
    if foreground.ndim == 2:
        return {"": choose_view(foreground)}
    if affine is not None:
        planes = {axis: name for name, axis in plane_axes(affine).items()}
        return {planes[axis]: choose_view(foreground, affine, axis) for axis in (2, 1, 0)}
    first, depth = choose_view(foreground), foreground.shape[2]
    filled = np.flatnonzero(foreground.any(axis=(0, 1)))
    quarters = [int(filled[len(filled) * n // 4]) for n in (1, 3)] if len(filled) else []
    views = [first, *(slice_view(2, index) for index in quarters)]
    return {f"slice {view.index + 1} of {depth}": view for view in views}


def plane_axes(affine: NDArray[np.floating]) -> dict[str, int]:
    """Return the array's axis that runs through the slices of each plane of the patient.

    >>> plane_axes(np.eye(4))
    {'sagittal': 0, 'coronal': 1, 'axial': 2}
    """
    world = nib.orientations.io_orientation(affine)[:, 0].astype(int).tolist()
    return {name: world.index(direction) for direction, name in enumerate(PLANES)}


def slice_view(through: int, index: int, affine: NDArray[np.floating] | None = None) -> View:
    """Return how a slice of a volume is shown: ``index`` along axis ``through``.

    >>> slice_view(0, 7)
    View(axes=(2, 1), flipped=(False, False), through=(0, 7))
    """
    first, second = (axis for axis in range(3) if axis != through)
    if affine is None:
        return View((second, first), (False, False), (through, index))
    world = nib.orientations.io_orientation(affine)
    down, right = (second, first) if world[second, 0] > world[first, 0] else (first, second)
    flipped = (bool(world[down, 1] != _DISPLAY_SIGN), bool(world[right, 1] != _DISPLAY_SIGN))
    return View((down, right), flipped, (through, index))
