"""What metal does to a CT: streaks, from rays that carry hardly a signal behind it."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom
from skimage.transform import iradon, radon

_ANGLES = np.linspace(0.0, 180.0, 90, endpoint=False)
_LIMIT = 0.15
"""The share of the largest attenuation from which a ray is measured wrongly."""

_NOISE = 1.5
_STRENGTH = 10.0
"""So strong that streaks stand out of noise and bone, as they do in cone-beam CT."""


def metal_streaks(rng: np.random.Generator, metal: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what is to be added to a volume (x, y, z) in HU that holds this metal.

    Each axial slice is projected. Rays of much attenuation lose part of it and are noisy (photon
    starvation); the filtered back-projection of this error is what an image then shows: dark and
    bright streaks away from the metal. It is computed on every second pixel.

    Examples
    --------
    >>> metal = np.zeros((20, 24, 3), dtype=np.float32)
    >>> metal[8:10, 10:12, 1] = 3000.0
    >>> made = metal_streaks(np.random.default_rng(0), metal)
    >>> made.shape, bool(made[..., 0].any()), bool(made[..., 1].any())
    ((20, 24, 3), False, True)
    """
    result = np.zeros(metal.shape, dtype=np.float32)
    slices = np.flatnonzero(metal.max(axis=(0, 1)) > 100)
    if not len(slices):
        return result
    rays = {z: radon(_small(metal[:, :, z]), _ANGLES, circle=False) for z in slices}
    limit = _LIMIT * max(float(one.max()) for one in rays.values())
    for z, one in rays.items():
        beyond = np.maximum(one - limit, 0)
        error = beyond * (1 + _NOISE * rng.standard_normal(one.shape))
        shown = iradon(error, _ANGLES, circle=False, filter_name="hann")
        result[:, :, z] = -_STRENGTH * _to_size(shown, metal.shape[:2])
    result[metal > 300] = 0  # metal itself is as bright as the scanner can tell
    return result


def _small(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a square of every second pixel, the plane in its middle."""
    half = zoom(plane, 0.5, order=1)
    size = max(half.shape)
    room = [((size - n) // 2, size - n - (size - n) // 2) for n in half.shape]
    return np.pad(half, room)


def _to_size(square: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    large = zoom(square, (max(shape) + 2) / len(square), order=1)
    starts = [(len(large) - n) // 2 for n in shape]
    return large[starts[0] : starts[0] + shape[0], starts[1] : starts[1] + shape[1]]
