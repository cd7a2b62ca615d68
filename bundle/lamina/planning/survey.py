"""What the cases of a data set hold: sizes, intensities, structures, each read once."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Orientation
from numpy.typing import NDArray
from scipy import ndimage

from lamina.cases import read_image, read_label
from lamina.cases.case import Case
from lamina.cases.grid import Grid, grid_difference
from lamina.errors import GeometryError, LaminaError

SAMPLES = 20_000
"""Intensities of a case that are kept for the percentiles of the data set."""


@dataclass(frozen=True)
class Structure:
    """One class in one case.

    ``voxels`` and ``parts`` (that touch by a face) are counts; ``centre`` is the centre of mass
    as shares of the image's axes, in RAS+ order for volumes.
    """

    voxels: int
    parts: int
    centre: tuple[float, ...]


@dataclass(frozen=True)
class CaseSurvey:
    """One case, axes in RAS+ order for volumes and as they lie for pictures.

    Parameters
    ----------
    case
        Its files.
    shape, spacing
        Along each axis; spacing in mm, or 1 where the file does not say.
    unit
        "mm" or "px".
    content
        A hash of the image's values.
    inside, everywhere
        Samples of the intensities in any structure, and in the whole image.
    structures
        By the value that the label file holds, without the background.
    between
        Values that only lie between others, as interpolated masks have them.
    edge
        What most of the label's outermost voxels hold.
    """

    case: Case
    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    unit: str
    content: str
    inside: NDArray[np.float32]
    everywhere: NDArray[np.float32]
    structures: Mapping[int, Structure]
    between: tuple[int, ...]
    edge: int


@dataclass(frozen=True)
class Survey:
    """All cases that can be used, and why the others can't."""

    cases: tuple[CaseSurvey, ...]
    problems: tuple[str, ...]

    @property
    def values(self) -> list[int]:
        """What label files hold beside the background, in rising order."""
        return sorted({value for one in self.cases for value in one.structures})

    @property
    def edge(self) -> int:
        """What the outermost voxels of most labels hold, which is usually the background."""
        return Counter(one.edge for one in self.cases).most_common(1)[0][0]

    @property
    def dims(self) -> int:
        """Axes of the images: 3 if most are volumes of more than one slice."""
        volumes = sum(len(one.shape) == 3 and min(one.shape) > 1 for one in self.cases)
        return 3 if 2 * volumes > len(self.cases) else 2


def survey_cases(cases: Iterable[Case], background: int = 0) -> Survey:
    """Read every labelled case once.

    Parameters
    ----------
    cases
        Those without a label are left out.
    background
        The value of label files that is no structure.
    """
    found, problems = [], []
    for case in cases:
        if case.label is None:
            continue
        try:
            found.append(_survey(case, Path(case.label), background))
        except LaminaError as error:
            problems.append(str(error))
    return Survey(tuple(found), tuple(problems))


def _survey(case: Case, label_path: Path, background: int) -> CaseSurvey:
    image, grid = read_image(case.image)
    label, label_grid = read_label(label_path)
    _require_same_grid(case, grid, label_grid)
    image, label, spacing = _in_ras(image, label, grid)
    inside = image[label != background]
    return CaseSurvey(
        case,
        label.shape,
        spacing,
        grid.unit,
        hashlib.blake2b(image.tobytes(), digest_size=16).hexdigest(),
        _sampled(inside),
        _sampled(image.ravel()),
        {int(v): _structure(label == v) for v in np.unique(label) if v != background},
        _between(label),
        _edge(label),
    )


def _require_same_grid(case: Case, grid: Grid, label_grid: Grid) -> None:
    difference = grid_difference(label_grid, grid, 0.1)
    if difference:
        raise GeometryError(
            f"{case.label}: not on the grid of {case.image}: {difference} of the image",
            "resample the label to its image, by nearest neighbour",
        )


def _in_ras(
    image: NDArray[np.float32], label: NDArray[np.int32], grid: Grid
) -> tuple[NDArray[np.float32], NDArray[np.int32], tuple[float, ...]]:
    if image.ndim == 2:
        return image, label, grid.spacing
    both = torch.from_numpy(np.stack([image, label.astype(np.float32)]))
    turned: Any = Orientation("RAS", labels=None)(
        MetaTensor(both, affine=torch.from_numpy(grid.affine))
    )
    spacing = np.linalg.norm(np.asarray(turned.affine)[:3, :3], axis=0)
    values = turned.numpy()
    return values[0], values[1].astype(np.int32), tuple(float(step) for step in spacing)


def _sampled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    step = max(len(values) // SAMPLES, 1)
    return values[::step].copy()


def _structure(mask: NDArray[np.bool_]) -> Structure:
    (box,) = ndimage.find_objects(mask.astype(np.uint8))
    centre = ndimage.center_of_mass(mask[box])
    shares = [
        (at + part.start) / size for at, part, size in zip(centre, box, mask.shape, strict=True)
    ]
    return Structure(int(mask.sum()), int(ndimage.label(mask[box])[1]), tuple(shares))


def _edge(label: NDArray[np.int32]) -> int:
    """Return the most frequent value on the sides of a picture, or of each slice."""
    plane = np.concatenate(
        [label[0].ravel(), label[-1].ravel(), label[:, 0].ravel(), label[:, -1].ravel()]
    )
    values, counts = np.unique(plane, return_counts=True)
    return int(values[counts.argmax()])


def _between(label: NDArray[np.int32]) -> tuple[int, ...]:
    """Return values each of whose voxels lies between a lower and a higher one, as edges do."""
    values = np.unique(label)
    found = []
    for value in values[1:-1]:
        mask = label == value
        inner = ndimage.binary_erosion(mask, border_value=1)
        if not inner.any() and _at_edges(label, mask, int(value)):
            found.append(int(value))
    return tuple(found)


def _at_edges(label: NDArray[np.int32], mask: NDArray[np.bool_], value: int) -> bool:
    lower = ndimage.minimum_filter(label, size=3, mode="nearest")[mask] < value
    higher = ndimage.maximum_filter(label, size=3, mode="nearest")[mask] > value
    return bool((lower & higher).mean() > 0.95)


def median_of(rows: Sequence[Sequence[float]]) -> list[float]:
    """Return the median of each column.

    >>> median_of([(1, 10), (2, 30), (9, 20)])
    [2.0, 20.0]
    """
    return [float(value) for value in np.median(np.asarray(rows, dtype=float), axis=0)]
