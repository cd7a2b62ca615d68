"""Synthetic frontal chest X-rays: lungs, heart, ribs, and nodules, with their reference.

Positions are fractions of the picture: x from 0 to 1 to the picture's right, y from 0 to 1 down.
The patient's right is on the picture's left, as radiographs are looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter

from lamina.annotations.draw import covered
from lamina.annotations.shapes import polygon
from lamina.phantoms.fields import smooth_field

Picture = NDArray[np.float32]
Outline = NDArray[np.float64]

RIGHT_LUNG = (
    (0.335, 0.235, 0.165, 0.130, 0.120, 0.150, 0.235, 0.330, 0.415, 0.425, 0.420, 0.405),
    (0.130, 0.215, 0.385, 0.580, 0.770, 0.825, 0.745, 0.725, 0.770, 0.600, 0.400, 0.220),
)
"""x and y of points from the apex along the ribs to the diaphragm, and back along the spine."""

LEFT_LUNG = (
    (0.665, 0.765, 0.835, 0.870, 0.880, 0.850, 0.765, 0.700, 0.690, 0.625, 0.585, 0.595),
    (0.130, 0.215, 0.385, 0.590, 0.785, 0.840, 0.775, 0.765, 0.680, 0.560, 0.400, 0.220),
)
"""The same on the other side, where the heart takes its place."""


@dataclass(frozen=True)
class ChestXray:
    """A picture and its reference, each (columns, rows).

    Parameters
    ----------
    image
        From 0 (black, air) to 1.
    left, right
        The patient's lungs, as visible beside heart and diaphragm.
    nodules
        Round shadows within the lungs.
    """

    image: Picture
    left: NDArray[np.bool_]
    right: NDArray[np.bool_]
    nodules: NDArray[np.bool_]


@dataclass(frozen=True)
class ChestVariety:
    """How chests and their pictures differ.

    Parameters
    ----------
    wander
        Standard deviation of an outline's points, in fractions of the picture.
    tilt
        Largest rotation of the patient, in degrees.
    ribs
        Their brightness.
    opacity
        Brightness of the diffuse opacities that hide parts of some lungs.
    noise
        Noise of the detector.
    nodules
        Their largest number.
    radius
        Of the smallest and the largest nodule, in fractions of the picture's width.
    """

    wander: float = 0.014
    tilt: float = 5.0
    ribs: float = 0.10
    opacity: float = 0.25
    noise: float = 0.02
    nodules: int = 4
    radius: tuple[float, float] = (0.014, 0.04)


def make_chest_xray(
    seed: int | Sequence[int],
    size: tuple[int, int] = (512, 512),
    variety: ChestVariety | None = None,
) -> ChestXray:
    """Return one synthetic X-ray; it depends on the seed only.

    >>> xray = make_chest_xray(0, (60, 70))
    >>> xray.image.shape, bool((xray.left & xray.right).any())
    ((60, 70), False)
    """
    variety = variety or ChestVariety()
    rng = np.random.default_rng(seed)
    positions = _positions(rng, size, variety)
    right, left = (_outline(rng, points, variety) for points in (RIGHT_LUNG, LEFT_LUNG))
    masks = [_inside(outline, positions) for outline in (right, left)]
    lungs = masks[0] | masks[1]
    nodules = _nodules(rng, lungs, positions, variety)
    image = _thickness(rng, lungs, nodules[0], positions, variety)
    return ChestXray(_expose(rng, image, variety), masks[1], masks[0], nodules[1])


def _positions(rng: np.random.Generator, size: tuple[int, int], variety: ChestVariety) -> Outline:
    """Return each pixel's position in the patient, (2, columns, rows): rotated, shifted, scaled."""
    x, y = (np.arange(n) / n + 0.5 / n - 0.5 for n in size)
    angle = np.deg2rad(rng.uniform(-variety.tilt, variety.tilt))
    scale = rng.uniform(0.92, 1.12, 2)
    grid = np.stack(np.meshgrid(x, y, indexing="ij"))
    turned = np.einsum(
        "ij,jxy->ixy", [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], grid
    )
    return turned * scale[:, None, None] + 0.5 + rng.uniform(-0.03, 0.03, 2)[:, None, None]


def _outline(
    rng: np.random.Generator, points: Sequence[Sequence[float]], variety: ChestVariety
) -> Outline:
    """Return a closed curve through points that vary between patients."""
    usual = np.array(points).T
    corners = usual + variety.wander * rng.standard_normal(usual.shape)
    corners[:, 1] += rng.uniform(-0.02, 0.02)
    closed = np.vstack([corners, corners[:1]])
    curve = CubicSpline(np.arange(len(closed)), closed, bc_type="periodic")
    return np.asarray(curve(np.linspace(0, len(corners), 240, endpoint=False)))


def _inside(outline: Outline, positions: Outline) -> NDArray[np.bool_]:
    """Return which positions lie within an outline, by lookup in a fine picture of it."""
    fine = 1024
    drawn = covered(polygon((outline * fine).tolist()), (fine, fine))
    index = np.floor(positions * fine).astype(int)
    seen = ((index >= 0) & (index < fine)).all(axis=0)
    column, row = index.clip(0, fine - 1)
    return drawn[column, row] & seen


def _nodules(
    rng: np.random.Generator, lungs: NDArray[np.bool_], positions: Outline, variety: ChestVariety
) -> tuple[Picture, NDArray[np.bool_]]:
    """Return the shadows of nodules, and their mask: above a tenth of the strongest shadow."""
    shadow = np.zeros(lungs.shape)
    middle = np.argwhere(gaussian_filter(lungs.astype(float), 0.02 * lungs.shape[0]) > 0.95)
    for _ in range(int(rng.integers(0, variety.nodules + 1)) if len(middle) else 0):
        centre = positions[(slice(None), *middle[rng.integers(len(middle))])]
        radius = rng.uniform(*variety.radius)
        distance = np.hypot(*(positions - centre[:, None, None])) / radius
        # The length of a ray through a ball.
        ball = np.sqrt((1 - distance**2).clip(0))
        shadow = np.maximum(shadow, rng.uniform(0.8, 1.2) * ball * lungs)
    return shadow.astype(np.float32), shadow > 0.1


def _thickness(
    rng: np.random.Generator,
    lungs: NDArray[np.bool_],
    nodules: Picture,
    positions: Outline,
    variety: ChestVariety,
) -> Picture:
    """Return the attenuation of each ray, 0 beside the body."""
    x, y = positions
    size = lungs.shape
    soft = 0.006 * size[0]
    body = _smooth_step(0.52 - np.abs(x - 0.5) + 0.10 * np.minimum(y - 0.3, 0) * 3, 0.02)
    air = gaussian_filter(lungs.astype(np.float32), soft)
    heart = np.exp(-((((x - 0.56) / 0.14) ** 2 + ((y - 0.66) / 0.15) ** 2) ** 2))
    spine = np.exp(-(((x - 0.5) / 0.055) ** 4)) * (0.9 + 0.1 * np.cos(2 * np.pi * y / 0.05))
    abdomen = _smooth_step(y - 0.78, 0.05)
    coarse, fine = (smooth_field(rng, size, (scale * size[0],) * 2) for scale in (0.012, 0.004))
    hilum = np.exp(-((np.abs(x - 0.5) - 0.12) ** 2) / 0.012 - (y - 0.48) ** 2 / 0.05)
    cloudy = _clouds(rng, size)
    inside = 0.16 + 0.035 * (coarse + fine) * (0.4 + hilum) + 0.14 * hilum
    inside += variety.opacity * cloudy + 0.34 * nodules
    outside = 0.55 + 0.22 * heart + 0.20 * spine + 0.18 * abdomen
    whole = (outside * (1 - air) + inside * air) * body
    return np.asarray(whole + variety.ribs * _ribs(rng, x, y) * body, dtype=np.float32)


def _clouds(rng: np.random.Generator, size: tuple[int, ...]) -> Picture:
    """Return diffuse opacities, in half of the patients."""
    field = smooth_field(rng, size, (0.10 * size[0],) * 2)
    return ((field - 0.8).clip(0, 1.5) * (rng.random() < 0.5)).astype(np.float32)


def _ribs(rng: np.random.Generator, x: NDArray, y: NDArray) -> NDArray:
    """Return ribs, which descend from the spine outwards, and collar bones."""
    away = np.abs(x - 0.5)
    ribs = np.zeros(x.shape)
    gap, first = rng.uniform(0.068, 0.08), rng.uniform(0.07, 0.10)
    for number in range(10):
        course = first + gap * number - 0.25 * away + 1.6 * np.maximum(away - 0.12, 0) ** 2
        ribs += np.exp(-(((y - course) / 0.013) ** 4)) * (away < 0.40)
        front = first + 0.12 + gap * number + 0.55 * (0.38 - away)
        ribs += 0.5 * np.exp(-(((y - front) / 0.013) ** 4)) * ((away > 0.2) & (away < 0.39))
    collar = 0.16 - 0.22 * (away - 0.08)
    return ribs + 1.4 * np.exp(-(((y - collar) / 0.016) ** 4)) * ((away > 0.06) & (away < 0.42))


def _smooth_step(value: NDArray, width: float) -> NDArray:
    return 0.5 + 0.5 * np.tanh(value / width)


def _expose(rng: np.random.Generator, thickness: Picture, variety: ChestVariety) -> Picture:
    """Return the detector's picture: contrast, uneven exposure, noise, a dark margin."""
    light = 1 + 0.06 * smooth_field(rng, thickness.shape, [0.4 * n for n in thickness.shape])
    image = (thickness * light).clip(0) ** rng.uniform(0.7, 1.3)
    image = rng.uniform(0.8, 1.0) * image / image.max() + rng.uniform(0, 0.08)
    image = gaussian_filter(image, 0.0015 * image.shape[0])
    image += variety.noise * rng.standard_normal(image.shape)
    margin = rng.integers(0, 1 + max(image.shape) // 40, 4)
    image[: margin[0]] = image[image.shape[0] - margin[1] :] = 0
    image[:, : margin[2]] = image[:, image.shape[1] - margin[3] :] = 0
    return np.asarray(image.clip(0, 1), dtype=np.float32)
