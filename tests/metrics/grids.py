"""Grids of label maps that stand on their spacing alone, and one of a tilted gantry."""

import numpy as np

from lamina.readers.grid import Grid


def spaced(shape, spacing, unit="mm"):
    """A grid with axes at right angles."""
    return Grid(tuple(shape), np.diag([*spacing, *[1.0] * (4 - len(spacing))]), unit)


def tilted(shape, spacing, degrees=25.0):
    """A grid whose slices are shifted along y, as those of a tilted gantry are.

    ``spacing`` is that along x and y, and the distance of the slices' planes.
    """
    affine = np.diag([*spacing, 1.0])
    affine[1, 2] = spacing[2] * np.tan(np.radians(degrees))
    return Grid(tuple(shape), affine)
