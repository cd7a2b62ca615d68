"""From an array in index order to a picture as people look at it.

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

        Examples
        --------
        >>> View(axes=(1, 0), flipped=(True, False)).show(np.array([[1, 2], [3, 4], [5, 6]]))
        array([[2, 4, 6],
               [1, 3, 5]])
        """
        plane = array
        if self.through is not None:
            axis, index = self.through
            plane = array.take(index, axis)
        down, right = self.axes
        picture = plane if down < right else plane.T
        steps = tuple(slice(None, None, -1 if flip else 1) for flip in self.flipped)
        return picture[steps]

    def restore(self, picture: NDArray) -> NDArray:
        """Return a picture (rows, columns) as the slice of the array that it shows.

        Examples
        --------
        >>> view = View(axes=(1, 0), flipped=(True, False))
        >>> view.restore(np.array([[2, 4, 6], [1, 3, 5]])).tolist()
        [[1, 2], [3, 4], [5, 6]]
        """
        down, right = self.axes
        steps = tuple(slice(None, None, -1 if flip else 1) for flip in self.flipped)
        return picture[steps] if down < right else picture[steps].T

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
        (x, y) or (x, y, z), not 0 where there is something to see.
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
