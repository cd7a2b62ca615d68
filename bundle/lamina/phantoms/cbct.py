"""A head with a cochlear implant in a cone-beam CT: electrodes and their streaks."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom
from scipy.spatial import cKDTree
from skimage.transform import iradon, radon

from lamina.errors import ConfigError
from lamina.phantoms.fields import smooth_field

AIR, TISSUE, BONE, DENSE_BONE, FLUID = -1000.0, 40.0, 900.0, 1300.0, 20.0
CARRIER, METAL = 1900.0, 2600.0
DUCT = 1.3
"""Half width in mm of the duct of fluid that the array lies in."""

HIGHEST = 3071.0
"""The largest value that a 12-bit scanner stores, in HU."""


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

    The array is a spiral of bright beads in a carrier, with the width of blooming; its axis
    lies near the patient's front-back direction, so that a few coronal slices show most of it.

    Parameters
    ----------
    shape
        Voxels along x, y and z (RAS+).
    spacing
        Size of a voxel in mm.
    streaks
        Strength of the metal artefacts; 0 for none.

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


RADIUS = 0.8
"""Half width in mm of the annotated region: the carrier with the bloom of its contacts."""

BEAD_RADIUS = 0.45
CONTACTS = 16


class ElectrodeArray(NamedTuple):
    """Points in mm: ``line`` densely along the array, ``contacts`` one per contact; each (n, 3)."""

    line: NDArray[np.float64]
    contacts: NDArray[np.float64]


def draw_array(rng: np.random.Generator, centre: NDArray[np.float64]) -> ElectrodeArray:
    """Return an array of one turn and a half about an axis near y (front to back), through ``centre``.

    The spiral goes from 4.3 mm to about 1.8 mm from its axis and rises by about 1.5 mm; left and
    right ears, which turn in opposite ways, are equally likely.

    >>> array = draw_array(np.random.default_rng(0), np.zeros(3))
    >>> array.contacts.shape, bool((np.linalg.norm(array.line, axis=1) < 12).all())
    ((16, 3), True)
    """
    turn = np.linspace(0, 2 * np.pi * rng.uniform(1.3, 1.6), 200)
    radius = np.linspace(4.3, rng.uniform(1.6, 2.0), 200)
    rise = np.linspace(-0.75, 0.75, 200) * rng.uniform(0.8, 1.2)
    spiral = np.stack([radius * np.cos(turn), rise, radius * np.sin(turn)], axis=1)
    lead = spiral[0] - np.linspace(5.0, 0.05, 60)[:, None] * np.array([0.2, 0.1, 1.0])
    line = np.concatenate([lead, spiral])
    if rng.random() < 0.5:
        line[:, 0] *= -1
    tilt = _rotation(rng.uniform(-0.35, 0.35), 0) @ _rotation(rng.uniform(-0.35, 0.35), 2)
    line = line @ (_rotation(rng.uniform(0, 2 * np.pi), 1) @ tilt).T + centre
    contacts = np.linspace(len(lead), len(line) - 1, CONTACTS).round().astype(int)
    return ElectrodeArray(line, line[contacts])


def _rotation(angle: float, axis: int) -> NDArray[np.float64]:
    """Return the rotation by ``angle`` (radians) about an axis."""
    i, j = (k for k in range(3) if k != axis)
    matrix = np.eye(3)
    matrix[[i, j], [i, j]] = np.cos(angle)
    matrix[i, j], matrix[j, i] = -np.sin(angle), np.sin(angle)
    return matrix


_ANGLES = np.linspace(0.0, 180.0, 90, endpoint=False)
_LIMIT = 0.15
"""The fraction of the largest attenuation from which a ray is measured wrongly."""

_NOISE = 1.5
_STRENGTH = 10.0
"""Makes streaks stand out from noise and bone, as in cone-beam CT."""


def metal_streaks(rng: np.random.Generator, metal: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the artefacts of metal, to be added to a volume (x, y, z) in HU.

    Each axial slice is projected. Rays of much attenuation lose part of it and are noisy (photon
    starvation); the filtered back-projection of this error shows as dark and bright streaks
    away from the metal. It is computed on every second pixel.

    >>> metal = np.zeros((20, 24, 3), dtype=np.float32)
    >>> metal[8:10, 10:12, 1] = 3000.0
    >>> streaks = metal_streaks(np.random.default_rng(0), metal)
    >>> streaks.shape, bool(streaks[..., 0].any()), bool(streaks[..., 1].any())
    ((20, 24, 3), False, True)
    """
    result = np.zeros(metal.shape, dtype=np.float32)
    slices = np.flatnonzero(metal.max(axis=(0, 1)) > 100)
    if not len(slices):
        return result
    rays = {z: radon(_small(metal[:, :, z]), _ANGLES, circle=False) for z in slices}
    limit = _LIMIT * max(float(ray.max()) for ray in rays.values())
    for z, ray in rays.items():
        beyond = np.maximum(ray - limit, 0)
        error = beyond * (1 + _NOISE * rng.standard_normal(ray.shape))
        shown = iradon(error, _ANGLES, circle=False, filter_name="hann")
        result[:, :, z] = -_STRENGTH * _to_size(shown, metal.shape[:2])
    result[metal > 300] = 0  # metal itself has the scanner's largest value
    return result


def _small(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a square of every second pixel, the plane in its middle."""
    half = zoom(plane, 0.5, order=1)
    size = max(half.shape)
    return np.pad(half, [((size - n) // 2, size - n - (size - n) // 2) for n in half.shape])


def _to_size(square: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    large = zoom(square, (max(shape) + 2) / len(square), order=1)
    starts = [(len(large) - n) // 2 for n in shape]
    return large[starts[0] : starts[0] + shape[0], starts[1] : starts[1] + shape[1]]
