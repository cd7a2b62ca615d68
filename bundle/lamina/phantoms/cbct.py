"""One made-up cone-beam CT of a head with a cochlear implant, and its exact truth."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from lamina.errors import ConfigError
from lamina.phantoms.electrodes import BEAD_RADIUS, RADIUS, draw_array
from lamina.phantoms.fields import smooth_field
from lamina.phantoms.streaks import metal_streaks

AIR, TISSUE, BONE, DENSE_BONE, FLUID = -1000.0, 40.0, 900.0, 1300.0, 20.0
CARRIER, METAL = 1900.0, 2600.0
DUCT = 1.3
"""Half width in mm of the duct of fluid that the array lies in."""

HIGHEST = 3071.0
"""What a scanner of 12 bits can store at most, in HU."""


class HeadVolume(NamedTuple):
    """A volume (1, x, y, z) in HU, the electrode array in it (0 and 1), and voxels to RAS+ mm."""

    image: NDArray[np.int16]
    label: NDArray[np.uint8]
    affine: NDArray[np.float64]


def make_head_volume(
    seed: int | Sequence[int],
    *,
    shape: tuple[int, int, int] = (112, 128, 96),
    spacing: float = 0.4,
    streaks: float = 1.0,
) -> HeadVolume:
    """Return a head made small around a cochlea, with an electrode array; same seed, same volume.

    The array is a spiral of bright beads in a carrier, as wide as blooming makes it look; its axis
    lies near the patient's front-back direction, so that a few coronal slices show most of it.

    Parameters
    ----------
    shape
        Voxels along x, y and z (RAS+).
    spacing
        Size of a voxel in mm.
    streaks
        Strength of what the metal does to its surroundings; 0 for none.

    Raises
    ------
    ConfigError
        If the volume is too small for the array, or a number is out of range.

    Examples
    --------
    >>> head = make_head_volume(0, shape=(60, 64, 56), spacing=0.6)
    >>> head.image.shape, head.label.dtype, int(head.label.max())
    ((1, 60, 64, 56), dtype('uint8'), 1)
    """
    if len(shape) != 3 or min(shape) * spacing < 30 or streaks < 0:
        raise ConfigError(
            f"shape {list(shape)} of {spacing} mm, streaks {streaks}: expected three sizes of at "
            "least 30 mm, and streaks from 0"
        )
    rng = np.random.default_rng(seed)
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = -spacing * (np.array(shape) - 1) / 2
    centre = rng.uniform(-2.5, 2.5, 3)
    image = _draw_head(rng, shape, spacing, centre)
    array = draw_array(rng, centre)
    distance, bead = (_distances(points, shape, affine) for points in array)
    image = np.where(distance < DUCT, FLUID, image)
    image = np.where(distance < RADIUS, CARRIER, image)
    metal = METAL * np.exp(-((bead / BEAD_RADIUS) ** 2))
    image = gaussian_filter(image + metal, 0.5) + streaks * metal_streaks(rng, metal)
    image += 40 * smooth_field(rng, shape, (0.7, 0.7, 0.7))
    values = image.clip(AIR - 24, HIGHEST).astype(np.int16)
    return HeadVolume(values[None], (distance < RADIUS).astype(np.uint8)[None], affine)


def _draw_head(
    rng: np.random.Generator, shape: Sequence[int], spacing: float, centre: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return soft tissue in air, a shell of bone, and dense bone with air cells about ``centre``."""
    half = [0.40 * n * spacing * rng.uniform(0.92, 1.0) for n in shape]
    outer = _radius(shape, spacing, np.zeros(3), half)
    inner = _radius(shape, spacing, centre, rng.uniform(7.0, 9.5, 3).tolist())
    texture = smooth_field(rng, shape, (3.0, 3.0, 3.0))
    cells = (smooth_field(rng, shape, (2.0, 2.0, 2.0)) > 0.9) & (inner > 0.75)
    image = np.where(outer < 1, TISSUE + 30 * texture, AIR)
    image = np.where((outer > 0.80) & (outer < 0.93), BONE + 120 * texture, image)
    dense = np.where(cells, -700.0, DENSE_BONE + 150 * texture)
    return np.where(inner < 1, dense, image).astype(np.float32)


def _radius(
    shape: Sequence[int], spacing: float, centre: NDArray[np.float64], half: Sequence[float]
) -> NDArray[np.float32]:
    """Return how far voxels are from ``centre`` (mm), 1 on the ellipsoid of these half axes."""
    axes = [
        ((np.arange(n) - (n - 1) / 2) * spacing - middle) / size
        for n, middle, size in zip(shape, centre, half, strict=True)
    ]
    x, y, z = np.ix_(*axes)
    return np.sqrt(x**2 + y**2 + z**2).astype(np.float32)


def _distances(
    points: NDArray[np.float64], shape: Sequence[int], affine: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the distance (mm) of each voxel from the nearest point; infinite beyond 3 mm."""
    spacing, reach = affine[0, 0], 3.0
    low = np.floor((points.min(0) - reach - affine[:3, 3]) / spacing).astype(int).clip(0)
    high = np.ceil((points.max(0) + reach - affine[:3, 3]) / spacing).astype(int).clip(0) + 1
    box = tuple(slice(a, min(b, n)) for a, b, n in zip(low, high, shape, strict=True))
    result = np.full(shape, np.inf, dtype=np.float32)
    grid = np.stack(np.meshgrid(*(np.arange(s.start, s.stop) for s in box), indexing="ij"), -1)
    result[box] = cKDTree(points).query(grid * spacing + affine[:3, 3])[0]
    return result
