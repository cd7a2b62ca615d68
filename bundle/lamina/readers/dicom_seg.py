"""A DICOM SEG as a mask, on the grid of the series that it was made from.

A segmentation stores only the planes that it needs, so that its grid is not known from itself.
Its source is the series that it refers to: the image of its case, or, where that is not known,
looked for where people keep the two: in the folder
of the segmentation, in the folders beside the file, then in the folders beside that folder and
one level below them. The first on whose voxels all of its own fall is taken.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import SegmentationStorage

from lamina.errors import GeometryError, ReadError, reading
from lamina.readers.dicom_file import is_dicom, read_dicom_file
from lamina.readers.dicom_series import find_series
from lamina.readers.grid import Grid, lps_to_ras
from lamina.readers.source import Source
from lamina.tasks.labels import class_value

_ON_A_VOXEL = 0.05


def read_dicom_seg(
    address: str | Path, values: Mapping[str, int | str] | None = None
) -> tuple[NDArray[np.int32], Grid]:
    """Return class values and the grid of the source series.

    Parameters
    ----------
    address
        A binary segmentation; where it is a `lamina.readers.source.Source` that knows its image,
        that series is its source, with its rules.
    values
        The class of each segment, by its label or its number: {"Liver": 1, "2": 2}. Without it
        the class is the segment's number.

    Raises
    ------
    ReadError
        If it is no binary segmentation, its source is not found, a segment is not in ``values``,
        or two classes overlap.
    GeometryError
        If its voxels do not fall on those of the source.
    """
    label = Source.of(str(address) if isinstance(address, Path) else address)
    path = label.path
    seg, frames = _read(path)
    classes = _classes(seg, values, path)
    misfit: GeometryError | None = None
    for source in _sources(seg, label):
        try:
            grid = source.plan.grid
            return _on_grid(seg, frames, classes, grid, path), grid
        except GeometryError as error:
            misfit = error
    raise misfit or ReadError(
        f"{path}: the series that it refers to is not near it",
        "keep the series in the same folder, or in a folder beside it",
    )


def _on_grid(
    seg: Dataset,
    frames: NDArray[np.uint8],
    classes: Mapping[int, int],
    grid: Grid,
    path: Path,
) -> NDArray[np.int32]:
    label = np.zeros((*grid.shape, 1)[:3], np.int32)
    for frame, groups in zip(frames, seg.PerFrameFunctionalGroupsSequence, strict=True):
        number = int(groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        places = _places(frame, _frame_affine(groups, seg), grid, path)
        before = label[places]
        if np.any((before != 0) & (before != classes[number])):
            raise ReadError(
                f"{path}: segment {number} overlaps another class",
                "a voxel can have one class: cut the segments apart",
            )
        label[places] = classes[number]
    return label.reshape(grid.shape)


def _read(path: Path) -> tuple[Dataset, NDArray[np.uint8]]:
    with reading(path, "a DICOM SEG that can't be read"):
        seg = read_dicom_file(path)
        kind = f"{seg.SOPClassUID.name} {seg.get('SegmentationType', '')}".strip()
        if seg.SOPClassUID != SegmentationStorage or seg.SegmentationType != "BINARY":
            raise ReadError(
                f"{path}: as a mask, {kind}; expected a binary DICOM SEG",
                "save the mask as a binary DICOM SEG or as NIfTI",
            )
        return seg, seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)


def _sources(seg: Dataset, label: Source) -> Iterator[Source]:
    """Yield the series that a segmentation refers to: that of its case, then the nearest first.

    There may be several: copies, or parts of one UID that differ in orientation or time point.
    """
    uids = {str(item.SeriesInstanceUID) for item in seg.get("ReferencedSeriesSequence", [])}
    image = label.image
    if image is not None and image.is_dicom and image.slices[0].uid in uids:
        yield image
        return
    for folder in _near(label.path.parent):
        files = (file for file in folder.iterdir() if file.is_file() and is_dicom(file))
        for series in find_series(files)[0]:
            if series.slices[0].uid in uids:
                yield Source(series.address, series.slices, label.rules)


def _near(folder: Path) -> Iterator[Path]:
    yield folder
    yield from _folders(folder)
    for sibling in _folders(folder.parent):
        yield sibling
        yield from _folders(sibling)


def _folders(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if one.is_dir())


def _classes(seg: Dataset, values: Mapping[str, int | str] | None, path: Path) -> dict[int, int]:
    """Return {segment number: class value}."""
    segments = {int(one.SegmentNumber): str(one.SegmentLabel) for one in seg.SegmentSequence}
    if values is None:
        return {number: number for number in segments}
    unknown = [label for number, label in segments.items() if not {label, str(number)} & {*values}]
    if unknown:
        raise ReadError(
            f"{path}: segments {', '.join(unknown)} are not among {', '.join(values)}",
            'add them to the task: "label_values": {"Liver": 1}',
        )
    return {
        number: class_value(values[label if label in values else str(number)])
        for number, label in segments.items()
    }


def _frame_affine(groups: Dataset, seg: Dataset) -> NDArray[np.float64]:
    """Return the affine from (column, row) of a frame to RAS+ space, 4×3."""

    def group(name: str) -> Any:
        shared = seg.SharedFunctionalGroupsSequence[0]
        return (groups if name in groups else shared)[name][0]

    between_rows, between_columns = group("PixelMeasuresSequence").PixelSpacing
    cosines = np.array(group("PlaneOrientationSequence").ImageOrientationPatient, float)
    affine = np.zeros((4, 3))
    affine[:3, 0] = cosines[:3] * between_columns
    affine[:3, 1] = cosines[3:] * between_rows
    affine[:, 2] = [*group("PlanePositionSequence").ImagePositionPatient, 1]
    return lps_to_ras(affine)


def _places(
    frame: NDArray[np.uint8], affine: NDArray[np.float64], grid: Grid, path: Path
) -> tuple[NDArray[np.intp], ...]:
    """Return the grid's indices of a frame's voxels, an array for each axis."""
    rows, columns = np.nonzero(frame)
    pixels = np.stack([columns, rows, np.ones_like(rows)])
    exact = (np.linalg.inv(grid.affine) @ affine @ pixels)[:3]
    indices = np.round(exact).astype(np.intp)
    size = np.array([*grid.shape, 1][:3])[:, None]
    apart = np.abs(exact - indices).max(initial=0)
    if apart > _ON_A_VOXEL or (indices < 0).any() or (indices >= size).any():
        raise GeometryError(
            f"{path}: its voxels do not fall on those of the series that it refers to "
            f"(up to {apart:.2g} voxels apart, size {grid.shape})",
            "resample the segmentation to its series, by nearest neighbour",
        )
    return tuple(indices)
