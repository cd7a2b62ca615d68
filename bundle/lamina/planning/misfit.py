"""By how much a label does not fit its image: in size, spacing, origin and directions."""

from collections.abc import Iterator

import numpy as np

from lamina.readers.grid import Grid, format_size, grid_difference

ON_GRID = 0.1
"""Voxels by which a label may be off its image, in training too."""
SMALL_ANGLE = 0.1
"""Degrees below which directions count as the same."""


def describe_misfit(label: Grid, image: Grid) -> str | None:
    """Say how the grid of a label differs from its image's, or return None where it fits.

    Origin and directions are those of the first voxel and the axes in RAS+ mm; the distance of
    origins is given in mm and in voxels of the image.

    >>> moved = np.eye(4)
    >>> moved[0, 3] = 3
    >>> describe_misfit(Grid((4, 5, 6), moved), Grid((4, 5, 6), np.diag([1.0, 1, 2, 1])))
    'spacing 1 × 1 × 1 against 1 × 1 × 2 mm, origin 3 mm (3 voxels) away'
    """
    if grid_difference(label, image, ON_GRID) is None:
        return None
    return ", ".join(_differences(label, image))


def _differences(label: Grid, image: Grid) -> Iterator[str]:
    if label.shape != image.shape:
        yield f"size {format_size(label.shape)} against {format_size(image.shape)} voxels"
    if "px" in (label.unit, image.unit) or len(label.shape) != len(image.shape):
        return
    if not np.allclose(label.spacing, image.spacing, rtol=1e-3):
        yield f"spacing {_text(label.spacing)} against {_text(image.spacing)} mm"
    moved = np.linalg.norm(label.affine[:3, 3] - image.affine[:3, 3])
    voxels = np.linalg.inv(image.affine) @ [*label.affine[:3, 3], 1]
    if moved > ON_GRID * min(image.spacing):
        yield f"origin {moved:.3g} mm ({np.abs(voxels[:3]).max():.3g} voxels) away"
    yield from _rotated(label, image)


def _rotated(label: Grid, image: Grid) -> Iterator[str]:
    """Yield the axes that are reversed against the image's, or their rotation in degrees."""
    axes = len(label.shape)
    along = [
        grid.affine[:3, :axes] / np.linalg.norm(grid.affine[:3, :axes], axis=0)
        for grid in (label, image)
    ]
    angles = np.degrees(np.arccos(np.clip((along[0] * along[1]).sum(axis=0), -1, 1)))
    for name, angle in zip("xyz", angles, strict=False):
        if angle > 180 - 1:
            yield f"axis {name} is reversed"
        elif angle > SMALL_ANGLE:
            yield f"axis {name} rotated by {angle:.3g}°"


def _text(numbers: tuple[float, ...]) -> str:
    return " × ".join(f"{number:.4g}" for number in numbers)
