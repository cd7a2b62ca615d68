"""Lesion burden: how much of a first task's structures the second task's lesions take up."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict, cast

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lamina.cases.regions import without_holes
from lamina.files import write_json, write_table
from lamina.prediction.measurements import format_cells
from lamina.readers.grid import Grid
from lamina.tasks.labels import Label

_SMALLEST_FRACTION = 0.05
"""A connected component counts by itself from this fraction of its structure on."""


class LesionBurden(TypedDict, total=False):
    """One lesion class within one connected component: a row of ``affected.csv``."""

    case: str
    structure: str
    part: int
    center: list[float]
    area_px2: float
    area_mm2: float
    volume_mm3: float
    volume_px3: float
    finding: str
    affected_area_px2: float
    affected_area_mm2: float
    affected_volume_mm3: float
    affected_volume_px3: float
    fraction: float


def lesion_burden(
    case: str,
    structures: NDArray[np.integer],
    lesions: NDArray[np.integer],
    grid: Grid,
    labels: tuple[Sequence[Label], Sequence[Label]],
) -> list[LesionBurden]:
    """Return a row for each connected component of a structure and each lesion class.

    Two lungs of one class are two components, told apart by where they lie: ``center`` is in
    voxels, x from the picture's left. Sizes are in mm² or mm³, or in pixels where the image does
    not say how large they are.

    Parameters
    ----------
    case
        Its name.
    structures, lesions
        Label maps of the first and of the second task, on one grid.
    grid
        That grid.
    labels
        Of both tasks, background first.

    Examples
    --------
    >>> lungs, spots = np.zeros((9, 5), int), np.zeros((9, 5), int)
    >>> lungs[0:4], lungs[5:9], spots[6, 0:2] = 1, 1, 1
    >>> names = [[Label(0, "background", (0, 0, 0)), Label(1, name, (9, 9, 9))]
    ...          for name in ("lungs", "nodule")]
    >>> grid = Grid((9, 5), np.eye(4), "px")
    >>> rows = lesion_burden("a", lungs, spots, grid, (names[0], names[1]))
    >>> [(row["part"], row["area_px2"], row["affected_area_px2"], row["fraction"]) for row in rows]
    [(1, 20.0, 0.0, 0.0), (2, 20.0, 2.0, 0.1)]
    """
    size = f"{'volume' if structures.ndim == 3 else 'area'}_{grid.unit}{structures.ndim}"
    rows = []
    for label in labels[0][1:]:
        components = _components(without_holes(structures == label.value))
        for number, mask in enumerate(components, 1):
            whole = int(mask.sum())
            row = {"case": case, "structure": label.name, "part": number, "center": _center(mask)}
            for lesion in labels[1][1:]:
                count = int((mask & (lesions == lesion.value)).sum())
                rows.append(
                    row
                    | {size: whole * grid.voxel_size, "finding": lesion.name}
                    | {f"affected_{size}": count * grid.voxel_size, "fraction": count / whole}
                )
    return cast(list[LesionBurden], rows)


def write_lesion_burden(rows: Sequence[LesionBurden], folder: Path) -> list[Path]:
    """Write ``affected.csv`` and ``affected.json``."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    write_table(folder / "affected.csv", columns, [format_cells(row) for row in rows])
    write_json(folder / "affected.json", list(rows))
    return [folder / "affected.csv", folder / "affected.json"]


def _components(mask: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Return the connected components from the picture's left to its right, without crumbs."""
    numbered, count = ndimage.label(mask)
    sizes = np.bincount(numbered.ravel(), minlength=count + 1)
    least = _SMALLEST_FRACTION * mask.sum()
    large = [numbered == number for number in range(1, count + 1) if sizes[number] >= least]
    return sorted(large, key=lambda component: _center(component)[0])


def _center(mask: NDArray[np.bool_]) -> list[float]:
    return [round(float(axis.mean()), 1) for axis in np.nonzero(mask)]
