"""How much of what one task found a second task found affected: nodules of each lung."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lamina.cases.regions import without_holes
from lamina.files import write_json, write_table
from lamina.readers.grid import Grid
from lamina.tasks.labels import Label

Row = dict[str, Any]

_SMALL = 0.05
"""A connected part is counted by itself from this share of its structure on."""


def affected_parts(
    case: str,
    label: NDArray[np.integer],
    found: NDArray[np.integer],
    grid: Grid,
    labels: tuple[Sequence[Label], Sequence[Label]],
) -> list[Row]:
    """Return a row for each connected part of a structure and each finding.

    Two lungs of one class are two parts, told apart by where they lie: ``center`` is in voxels, x
    from the picture's left. Sizes are in mm² or mm³, or in pixels where the image does not say how
    large they are.

    Parameters
    ----------
    case
        Its name.
    label, found
        What the first and the second task found, on one grid.
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
    >>> rows = affected_parts("a", lungs, spots, grid, (names[0], names[1]))
    >>> [(row["part"], row["area_px2"], row["affected_area_px2"], row["fraction"]) for row in rows]
    [(1, 20.0, 0.0, 0.0), (2, 20.0, 2.0, 0.1)]
    """
    size = f"{'volume' if label.ndim == 3 else 'area'}_{grid.unit}{label.ndim}"
    rows = []
    for one in labels[0][1:]:
        for number, part in enumerate(_parts(without_holes(label == one.value)), 1):
            whole = int(part.sum())
            named = {"case": case, "structure": one.name, "part": number, "center": _center(part)}
            for finding in labels[1][1:]:
                count = int((part & (found == finding.value)).sum())
                rows.append(
                    named
                    | {size: whole * grid.voxel_size, "finding": finding.name}
                    | {f"affected_{size}": count * grid.voxel_size, "fraction": count / whole}
                )
    return rows


def write_affected(rows: Sequence[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Write ``affected.csv`` and ``affected.json``."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = [{key: _cell(value) for key, value in row.items()} for row in rows]
    write_table(folder / "affected.csv", columns, table)
    write_json(folder / "affected.json", list(rows))
    return [folder / "affected.csv", folder / "affected.json"]


def _parts(mask: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Return the connected parts from the picture's left to its right, crumbs left out."""
    numbered, count = ndimage.label(mask)
    sizes = np.bincount(numbered.ravel(), minlength=count + 1)[1:]
    large = [one + 1 for one in range(count) if sizes[one] >= _SMALL * mask.sum()]
    parts = [numbered == one for one in large]
    return sorted(parts, key=lambda part: _center(part)[0])


def _center(part: NDArray[np.bool_]) -> list[float]:
    return [round(float(axis.mean()), 1) for axis in np.nonzero(part)]


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return f"{value:.6g}" if isinstance(value, float) else value
