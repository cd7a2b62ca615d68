"""From layers to the picture: reflectivity, attenuation, shadows, speckle, log compression."""

import numpy as np
from numpy.typing import NDArray

from lamina.phantoms.anatomy import LAYERS, SCLERA
from lamina.phantoms.fields import Grid, smooth_field
from lamina.phantoms.oct_scan import OctScan

Array = NDArray[np.float32]

_DARK = -20.0  # dB; vitreous and fluid scatter next to nothing
_TEXTURE = (60.0, 20.0, 60.0)  # µm
_FLOOR = 4.0  # the noise floor lies above the knee of the log compression: dark grey, not black


def coverage(top: Array, bottom: Array, rows: int) -> Array:
    """Return the fraction of each voxel that lies between two boundaries, shape (x, rows, z).

    Boundaries, of shape (x, z), are in voxels along y; voxel i reaches from i - 0.5 to i + 0.5.

    >>> coverage(np.array([[0.0]]), np.array([[1.75]]), 4).ravel().tolist()
    [0.5, 1.0, 0.25, 0.0]
    """
    upper = np.arange(rows, dtype=np.float32)[None, :, None] - np.float32(0.5)
    below_top = np.clip(upper + 1 - top[:, None], 0, 1)
    below_bottom = np.clip(upper + 1 - bottom[:, None], 0, 1)
    return below_top - np.minimum(below_bottom, below_top)


def reflect(surfaces: Array, rows: int) -> tuple[Array, Array]:
    """Return mean power (linear, noise floor 1) and texture (dB) of each voxel, (x, rows, z).

    ``surfaces`` are the boundaries in voxels along y, shape (layers + 1, x, z).
    """
    bottom = np.full_like(surfaces[:1], np.inf)
    edges = np.concatenate([surfaces, bottom])
    power = np.full((surfaces.shape[1], rows, surfaces.shape[2]), _linear(_DARK), np.float32)
    texture = np.zeros_like(power)
    for layer, top, end in zip((*LAYERS, SCLERA), edges[:-1], edges[1:], strict=True):
        fraction = coverage(top, end, rows)
        power += fraction * np.float32(_linear(layer.reflectivity))
        texture += fraction * np.float32(layer.texture)
    return power, texture


def draw_shadows(rng: np.random.Generator, grid: Grid, scan: OctScan) -> Array:
    """Return the loss in dB below retinal vessels, shape (x, z).

    Vessels run along parabolas, are 40 to 120 µm wide and leave the middle, about 0.4 mm, free.
    """
    x, z = grid
    loss = np.zeros_like(x)
    for _ in range(rng.poisson(scan.vessels)):
        start, slope, bend = rng.uniform(x.min(), x.max()), *rng.normal(0, 0.5, 2)
        away = np.abs(x - start - slope * z - bend * z**2) / np.sqrt(1 + slope**2)
        loss = np.maximum(loss, np.exp(-((away / rng.uniform(0.02, 0.06)) ** 2)))
    free = np.exp(-((x**2 + z**2) / 0.4**2))
    return (scan.shadow * loss * (1 - free)).astype(np.float32)


def draw_speckle(
    rng: np.random.Generator, shape: tuple[int, int, int], sigma: tuple[float, float, float]
) -> Array:
    """Return fully developed speckle: a factor of mean 1 on the power, exponentially distributed.

    It is the squared amplitude of a circular Gaussian field blurred by a Gaussian point spread
    of ``sigma`` voxels (Schmitt, Xiang, Yung, "Speckle in optical coherence tomography",
    Journal of Biomedical Optics 4:95, 1999).

    >>> speckle = draw_speckle(np.random.default_rng(0), (40, 50, 6), (0.5, 0.7, 0.0))
    >>> bool(abs(speckle.mean() - 1) < 0.1), bool(abs(speckle.std() - 1) < 0.1)
    (True, True)
    """
    real, imaginary = smooth_field(rng, shape, sigma), smooth_field(rng, shape, sigma)
    return (real**2 + imaginary**2) / np.float32(2)


def draw_image(
    rng: np.random.Generator,
    grid: Grid,
    reflected: tuple[Array, Array],
    depth: Array,
    spacing: tuple[float, float, float],
    scan: OctScan,
) -> NDArray[np.uint8]:
    """Return the scanner's picture, shape (x, y, z).

    Parameters
    ----------
    reflected
        Power and texture as from :func:`reflect`.
    depth
        Depth of each voxel below the retina's surface in mm, negative above; (x, y, z).
    """
    power, texture = reflected
    scale = tuple(size / step for size, step in zip(_TEXTURE, spacing, strict=True))
    gain = rng.normal(0, scan.signal_sd) + texture * smooth_field(rng, power.shape, scale)
    loss = np.where(depth > 0, draw_shadows(rng, grid, scan)[:, None], 0)
    decibel = gain - loss - scan.attenuation * np.clip(depth, 0, None)
    sigma = (scan.speckle_lateral / spacing[0], scan.speckle_axial / spacing[1], 0.0)
    # Signal and noise are both circular Gaussian, so their sum is one, of the summed power.
    seen = power * _linear(decibel) + _linear(scan.noise)
    level = np.log1p(np.float32(_FLOOR) * seen * draw_speckle(rng, power.shape, sigma))
    return np.clip(np.rint(scan.gain * level), 0, 255).astype(np.uint8)


def _linear(decibel: Array | float) -> Array:
    return np.power(10, np.asarray(decibel, np.float32) / 10, dtype=np.float32)
