"""Size, intensity and thickness of each structure of a label map, as tables."""

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypedDict, cast

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lamina.files import write_json, write_table
from lamina.writers.segmented_case import SegmentedCase, depth_axis, spacing_of


class Measurement(TypedDict, total=False):
    """A structure of a case: a row of ``measurements.csv``, in the order of its columns.

    Only what applies is there: a volume or an area, a thickness of layers alone, and of an absent
    structure neither intensities nor a box.
    """

    case: str
    structure: str
    value: int
    voxels: int
    volume_mm3: float
    volume_px3: float
    area_mm2: float
    area_px2: float
    components: int
    cut_by_border: bool
    intensity_mean: float
    intensity_std: float
    box_min: list[int]
    box_max: list[int]
    thickness_mean_um: float
    thickness_min_um: float
    thickness_max_um: float
    thickness_mean_px: float
    thickness_min_px: float
    thickness_max_px: float


def measure_prediction(case: SegmentedCase) -> list[Measurement]:
    """Return a row for each structure of the task, absent ones too.

    Volumes are in mm³, areas in mm² or, where an image does not say how large its pixels are, in
    pixels. ``components`` counts connected components, whose voxels touch by a face.
    ``cut_by_border`` means that the structure reaches the image's edge along an axis that is longer
    than one voxel, so that its size is a lower bound. Boxes are indices, from the first to the last
    voxel. A layer's thickness is taken in each line of voxels along the depth that holds it, in
    voxels and, where their size is known, in µm.

    Examples
    --------
    >>> from lamina.readers.grid import Grid, pixel_grid
    >>> from lamina.tasks import Label
    >>> labels = (Label(0, "background", (0, 0, 0)), Label(1, "lung", (0, 0, 255)))
    >>> label = np.zeros((5, 6, 7), dtype=np.uint8)
    >>> label[1:3, 2:4, 3] = 1
    >>> affine = np.diag([2.0, 1.0, 3.0, 1.0])
    >>> case = SegmentedCase("a", "a.nii", 2.0 * label[None], label, Grid(label.shape, affine), labels)
    >>> row = measure_prediction(case)[0]
    >>> row["volume_mm3"], row["components"], row["intensity_mean"], row["cut_by_border"]
    (24.0, 1, 2.0, False)
    """
    boxes = ndimage.find_objects(case.label, max_label=len(case.labels) - 1)
    return [
        {
            "case": case.name,
            "structure": label.name,
            "value": label.value,
            **_measure(case, label.value, box),
        }
        for label, box in zip(case.labels[1:], boxes, strict=True)
    ]


def _measure(case: SegmentedCase, value: int, box: tuple[slice, ...] | None) -> Measurement:
    if box is None:
        return {"voxels": 0, **_size(case, 0), "components": 0, "cut_by_border": False}
    mask = case.label[box] == value
    inside = case.image[0][box][mask]
    shape = case.label.shape
    edges = [s.start == 0 or s.stop == n for s, n in zip(box, shape, strict=True) if n > 1]
    count = int(mask.sum())
    return {
        "voxels": count,
        **_size(case, count),
        "components": int(ndimage.label(mask)[1]),
        "cut_by_border": any(edges),
        "intensity_mean": float(inside.mean()),
        "intensity_std": float(inside.std()),
        "box_min": [s.start for s in box],
        "box_max": [s.stop - 1 for s in box],
        **_thickness(case, mask),
    }


def _size(case: SegmentedCase, count: int) -> Measurement:
    voxel = case.grid.voxel_size
    if case.label.ndim == 3:
        return {"volume_mm3": count * voxel} if case.has_spacing else {"volume_px3": count}
    return {"area_mm2": count * voxel} if case.has_spacing else {"area_px2": count}


def _thickness(case: SegmentedCase, mask: NDArray[np.bool_]) -> Measurement:
    if depth_axis(case) is None:
        return {}
    lines = mask.sum(axis=depth_axis(case))
    lines = lines[lines > 0]
    numbers = {"mean": lines.mean(), "min": lines.min(), "max": lines.max()}
    row = {
        f"thickness_{name}_{unit}": float(number * step)
        for unit, step in _depth_steps(case).items()
        for name, number in numbers.items()
    }
    return cast(Measurement, row)


def _depth_steps(case: SegmentedCase) -> dict[str, float]:
    """Return the size of a voxel along the depth in "um", where it is known, and in "px"."""
    axis = depth_axis(case)
    assert axis is not None
    micrometres = {"um": 1000 * spacing_of(case)[axis]} if case.has_spacing else {}
    return micrometres | {"px": 1.0}


def thickness_profile(case: SegmentedCase) -> list[dict[str, float]]:
    """Return the thickness of each layer along the scan: a row for each line of voxels."""
    axis = depth_axis(case)
    assert axis is not None
    counts = {label.name: (case.label == label.value).sum(axis=axis) for label in case.labels[1:]}
    layers = {
        f"{name}_{unit}": count * step
        for unit, step in _depth_steps(case).items()
        for name, count in counts.items()
    }
    lines = [size for number, size in enumerate(case.label.shape) if number != axis]
    return [
        dict(zip(("x", "z"), position, strict=False))
        | {name: float(layer[position]) for name, layer in layers.items()}
        for position in itertools.product(*map(range, lines))
    ]


def write_measurements(rows: Iterable[Measurement], folder: Path) -> list[Path]:
    """Write ``measurements.csv`` and ``measurements.json``, a row a case and structure."""
    listed = list(rows)
    columns = [name for name in Measurement.__annotations__ if any(name in row for row in listed)]
    table = folder / "measurements.csv"
    write_table(table, columns, [format_cells(row) for row in listed])
    write_json(folder / "measurements.json", listed)
    return [table, folder / "measurements.json"]


def format_cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as a table shows it: floats with 6 digits, lists without brackets.

    >>> format_cells({"case": "a", "box_min": [0, 3], "volume_mm3": 1 / 3})
    {'case': 'a', 'box_min': '0 3', 'volume_mm3': '0.333333'}
    """
    return {key: _cell(value) for key, value in row.items()}


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return f"{value:.6g}" if isinstance(value, float) else value


def slice_presence(case: SegmentedCase, least: int) -> list[dict[str, int]]:
    """Return a row for each slice along the last axis: 1 for each structure of ``least`` voxels.

    A picture is one slice.

    Examples
    --------
    >>> from lamina.readers.grid import Grid, pixel_grid
    >>> from lamina.tasks import Label
    >>> labels = (Label(0, "background", (0, 0, 0)), Label(1, "cyst", (0, 0, 255)))
    >>> label = np.zeros((4, 5, 2), dtype=np.uint8)
    >>> label[:2, :2, 1] = 1
    >>> case = SegmentedCase("a", "a.nii", label[None], label, pixel_grid(label.shape), labels)
    >>> slice_presence(case, least=3)
    [{'slice': 0, 'cyst': 0}, {'slice': 1, 'cyst': 1}]
    """
    volume = np.atleast_3d(case.label)
    counts = {label.name: (volume == label.value).sum(axis=(0, 1)) for label in case.labels[1:]}
    return [
        {"slice": number} | {name: int(count[number] >= least) for name, count in counts.items()}
        for number in range(volume.shape[2])
    ]


def write_slice_presence(case: SegmentedCase, least: int, folder: Path) -> Path:
    """Write ``NAME.csv`` with what `slice_presence` returns; return its path."""
    rows = slice_presence(case, least)
    path = folder / f"{case.name}.csv"
    write_table(path, list(rows[0]), rows)
    return path
