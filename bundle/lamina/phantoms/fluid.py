"""Pockets of fluid in the retina: cysts within layers, and fluid below the photoreceptors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lamina.phantoms.anatomy import LAYERS
from lamina.phantoms.fields import Grid


@dataclass(frozen=True)
class Host:
    """The layer of a kind of pocket, and its range of half widths in mm and of heights in µm.

    ``depth`` is the fraction of the host layer's own thickness above the fluid; ``kind`` is the
    kind of fluid, from 1.
    """

    layer: int
    depth: float
    widths: tuple[float, float]
    heights: tuple[float, float]
    kind: int = 1


_NAMES = [layer.name for layer in LAYERS]

HOSTS = (
    Host(_NAMES.index("INL"), 0.5, (0.10, 0.25), (30.0, 80.0)),
    Host(_NAMES.index("ONL"), 0.5, (0.12, 0.30), (40.0, 110.0)),
    Host(_NAMES.index("IZ"), 1.0, (0.40, 0.80), (60.0, 180.0)),
)
"""Cysts in the middle of the nuclear layers, and fluid below the photoreceptors."""


@dataclass(frozen=True)
class Pocket:
    """Fluid of ``height`` (µm, an array over x and z), by which its host gets thicker."""

    host: Host
    height: NDArray[np.float64]


def draw_pockets(
    rng: np.random.Generator, grid: Grid, mean: float, hosts: Sequence[Host] = HOSTS
) -> list[Pocket]:
    """Return a Poisson number of pockets, with the given mean, anywhere in the grid.

    Parameters
    ----------
    grid
        Positions x and z in mm, each of shape (x, z).
    hosts
        The kinds of pockets, all equally likely.

    Examples
    --------
    >>> grid = np.meshgrid(np.linspace(-1, 1, 20), np.linspace(-1, 1, 5), indexing="ij")
    >>> draw_pockets(np.random.default_rng(0), tuple(grid), 0.0)
    []
    """
    return [_draw_pocket(rng, grid, hosts) for _ in range(rng.poisson(mean))]


def _draw_pocket(rng: np.random.Generator, grid: Grid, hosts: Sequence[Host]) -> Pocket:
    x, z = grid
    host = hosts[int(rng.integers(len(hosts)))]
    width, height = rng.uniform(*host.widths), rng.uniform(*host.heights)
    distance = np.hypot(x - rng.uniform(x.min(), x.max()), z - rng.uniform(z.min(), z.max()))
    # The power lets the pocket end without a kink in the layers above and below it.
    return Pocket(host, height * np.clip(1 - (distance / width) ** 2, 0, None) ** 1.5)


class Span(NamedTuple):
    """Upper and lower boundary of fluid, each of shape (x, z); equal where there is none.

    ``kind`` is its host's.
    """

    top: NDArray[Any]
    bottom: NDArray[Any]
    kind: int = 1


def fluid_spans(surfaces: NDArray[np.float64], pockets: Sequence[Pocket]) -> list[Span]:
    """Return where the fluid of each host layer lies, in the unit of the surfaces (µm).

    ``surfaces`` are the boundaries of all layers, swollen by the pockets; (layers + 1, x, z).
    """
    spans = []
    for host in dict.fromkeys(pocket.host for pocket in pockets):
        height = np.sum([pocket.height for pocket in pockets if pocket.host == host], axis=0)
        own = surfaces[host.layer + 1] - surfaces[host.layer] - height
        top = surfaces[host.layer] + host.depth * own
        spans.append(Span(top, top + height, host.kind))
    return spans
