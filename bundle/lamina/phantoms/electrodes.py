"""A cochlear electrode array: a lead that becomes a spiral of contacts."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RADIUS = 0.8
"""Half width in mm of what annotators draw: the carrier with the bloom of its contacts."""

BEAD_RADIUS = 0.45
CONTACTS = 16


class ElectrodeArray(NamedTuple):
    """Points in mm: ``line`` densely along the array, ``contacts`` one a contact; each (n, 3)."""

    line: NDArray[np.float64]
    contacts: NDArray[np.float64]


def draw_array(rng: np.random.Generator, centre: NDArray[np.float64]) -> ElectrodeArray:
    """Return an array of one turn and a half about an axis near y (front to back), through ``centre``.

    The spiral goes from 4.3 mm to about 1.8 mm from its axis and rises by about 1.5 mm; left and
    right ears, which turn in opposite ways, are equally likely.

    Examples
    --------
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
    places = np.linspace(len(lead), len(line) - 1, CONTACTS).round().astype(int)
    return ElectrodeArray(line, line[places])


def _rotation(angle: float, axis: int) -> NDArray[np.float64]:
    """Return the rotation by ``angle`` (radians) about an axis."""
    i, j = (k for k in range(3) if k != axis)
    matrix = np.eye(3)
    matrix[[i, j], [i, j]] = np.cos(angle)
    matrix[i, j], matrix[j, i] = -np.sin(angle), np.sin(angle)
    return matrix
