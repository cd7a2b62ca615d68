"""The depth of the boundaries between layers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lamina.errors import ConfigError
from lamina.phantoms.anatomy import LAYERS, Layer
from lamina.phantoms.fields import Grid, smooth_field
from lamina.phantoms.fluid import Pocket
from lamina.phantoms.oct_scan import OctScan

Array = NDArray[np.float64]

_PIT_WIDTH, _RIM, _PERIPHERY = 0.65, 0.9, 2.3  # mm from the fovea's centre
_UNDULATION = 0.4  # mm
_MARGIN = 40.0  # µm of vitreous above the retina
_LAST_RETINAL = [layer.name for layer in LAYERS].index("BM")


def layer_thickness(layer: Layer, x: Array, z: Array, pit: float = 1.0) -> Array:
    """Return the mean thickness in µm at (x, z) mm from the fovea; x points towards the nose.

    The foveal pit is a Gaussian, whose width ``pit`` scales. Dubis, McAllister and Carroll fit pits
    with two ("Reconstructing foveal pit morphology from optical coherence tomography imaging",
    British Journal of Ophthalmology 93:1223, 2009); here the rim comes from the thinning outwards.

    >>> layer_thickness(LAYERS[1], np.zeros(1), np.zeros(1))
    array([0.2])
    """
    radius = np.hypot(x, z)
    outside_pit = 1 - np.exp(-((radius / (pit * _PIT_WIDTH)) ** 2))
    towards_periphery = np.clip((radius - _RIM) / (_PERIPHERY - _RIM), 0, 1)
    smooth = towards_periphery**2 * (3 - 2 * towards_periphery)
    radial = (
        layer.fovea
        + (layer.parafovea - layer.fovea) * outside_pit
        + (layer.periphery - layer.parafovea) * smooth
    )
    return radial * np.clip(1 + layer.nasal * x, 0.1, None)


def draw_thicknesses(rng: np.random.Generator, grid: Grid, scan: OctScan) -> Array:
    """Return the thicknesses in µm of one eye's ``LAYERS``, shape (layers, x, z).

    ``grid`` holds x and z in mm from the scan's centre; eyes are right or left at random.
    """
    nasal = rng.choice([-1, 1])
    x = nasal * (grid[0] - rng.normal(0, scan.decentration_sd))
    z = grid[1] - rng.normal(0, scan.decentration_sd)
    pit = np.exp(rng.normal(0, scan.thickness_sd))
    step_x, step_z = _steps(grid)
    scale = (_UNDULATION / step_x, _UNDULATION / step_z)
    layers = []
    for layer in LAYERS:
        undulation = scan.undulation_sd * smooth_field(rng, x.shape, scale)
        factor = np.exp(rng.normal(0, scan.thickness_sd) + undulation)
        layers.append(layer_thickness(layer, x, z, pit) * factor)
    return np.stack(layers)


def add_pockets(thicknesses: Array, pockets: Sequence[Pocket]) -> Array:
    """Return the thicknesses with each pocket's height added to its host."""
    swollen = thicknesses.copy()
    for pocket in pockets:
        swollen[pocket.host.layer] += pocket.height
    return swollen


def draw_surfaces(
    rng: np.random.Generator, grid: Grid, thicknesses: Array, depth: float, scan: OctScan
) -> Array:
    """Return the boundaries in µm below the volume's upper face, shape (layers + 1, x, z).

    Bruch's membrane is a tilted parabola that jumps between B-scans; all else follows from the
    thicknesses. Its height is drawn so that all layers lie within ``depth`` µm if they can; if
    not, the choroid runs out of the volume.

    Raises ConfigError if the retina does not fit.
    """
    x, z = grid
    tilt_x, tilt_z = rng.normal(0, scan.tilt_sd, 2)
    curvature = rng.normal(scan.curvature, scan.curvature_sd)
    motion = np.cumsum(rng.normal(0, scan.motion_sd, x.shape[1]))
    membrane = tilt_x * x + tilt_z * z - curvature * (x**2 + z**2) + motion
    tops = np.concatenate([np.zeros_like(thicknesses[:1]), np.cumsum(thicknesses, axis=0)])
    surfaces = membrane + tops - tops[_LAST_RETINAL + 1]
    surfaces -= surfaces[0].min() - _MARGIN
    retina = surfaces[_LAST_RETINAL + 1].max()
    if retina > depth:
        raise ConfigError(
            f"shape and spacing: the volume is {depth:.0f} µm deep, the retina needs {retina:.0f}",
            "use more or thicker voxels along y; spacing is in µm",
        )
    return surfaces + rng.uniform(0, max(0.0, depth - surfaces[-1].max()))


def _steps(grid: Grid) -> tuple[float, float]:
    """Return the spacing of the grid in mm, 1 along an axis with a single point."""
    x, z = grid
    step_x = float(x[1, 0] - x[0, 0]) if x.shape[0] > 1 else 1.0
    step_z = float(z[0, 1] - z[0, 0]) if z.shape[1] > 1 else 1.0
    return step_x, step_z
