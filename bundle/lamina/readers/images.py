"""One way to read any image or mask, whatever its format."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from lamina.errors import ReadError
from lamina.readers.address import split_address
from lamina.readers.dicom import read_dicom, read_dicom_grid
from lamina.readers.dicom_rules import SeriesRules
from lamina.readers.dicom_seg import read_dicom_seg
from lamina.readers.dicom_series import is_dicom
from lamina.readers.formats import SUFFIXES, Format, format_of
from lamina.readers.grid import Grid, format_size
from lamina.readers.itk import read_itk, read_itk_grid
from lamina.readers.label_values import code_table, map_codes, whole_numbers
from lamina.readers.memory_order import in_order
from lamina.readers.nifti import read_nifti, read_nifti_grid
from lamina.readers.pictures import MAX_PIXELS, read_codes, read_picture, read_picture_grid


def read_image(
    address: str,
    *,
    channels: int = 1,
    max_pixels: int = MAX_PIXELS,
    rules: SeriesRules | None = None,
) -> tuple[NDArray[np.float32], Grid]:
    """Return an image's values and its grid.

    Parameters
    ----------
    address
        A file, or a folder (or folder#SeriesInstanceUID) with one DICOM series.
    channels
        1 for grey values (x, y[, z]), or 3 for the colours (x, y, 3) of a picture.
    max_pixels
        Largest picture that is decoded.
    rules
        What is done with a DICOM series that is not regular.

    Raises
    ------
    ReadError
        If it is missing, truncated, empty, not finite, or of another kind than expected.
    GeometryError
        If the position of its voxels in space is unclear.
    """
    kind = _format(address)
    path = Path(address)
    if kind in ("nifti", "itk"):
        _require_room(read_grid(address), address)
    if kind == "picture":
        values, grid = read_picture(path, channels, max_pixels)
    elif channels != 1:
        raise ReadError(f"{address}: 1 channel, expected {channels}")
    elif kind == "nifti":
        values, grid = read_nifti(path)
    elif kind == "itk":
        values, grid = read_itk(path)
    else:
        values, grid = read_dicom(address, rules)
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as such
        return _finite(in_order(values, "C", np.float32), grid, address), grid


def read_grid(address: str, *, max_pixels: int = MAX_PIXELS) -> Grid:
    """Return an image's grid from its header alone; raises as `read_image` does."""
    kind = _format(address)
    if kind == "picture":
        grid = read_picture_grid(Path(address), max_pixels)
    elif kind == "nifti":
        grid = read_nifti_grid(Path(address))
    elif kind == "itk":
        grid = read_itk_grid(Path(address))
    else:
        grid = read_dicom_grid(address)
    _require_voxels(grid, address)
    return grid


def read_label(
    path: Path, values: Mapping[str, int] | None = None, *, max_pixels: int = MAX_PIXELS
) -> tuple[NDArray[np.int32], Grid]:
    """Return a mask's class values and its grid.

    Parameters
    ----------
    path
        A NIfTI, NRRD or MetaImage file, a picture or a DICOM SEG.
    values
        What the file holds and the class value that it stands for: {"0": 0, "255": 1}, or colours
        {"#000000": 0, "#ff0000": 1}, or of a DICOM SEG the segments' labels or numbers
        {"Liver": 1}. Without it the file's values are the class values.
    max_pixels
        Largest picture that is decoded.

    Raises
    ------
    ReadError
        If a value is not whole or not in ``values``, or the file can't be read.
    """
    kind = _format(str(path))
    if kind is None:
        return read_dicom_seg(path, values)
    table, colors = code_table(values) if values is not None else (None, False)
    if kind == "picture":
        codes, grid = read_codes(path, colors, max_pixels)
    elif colors:
        raise ReadError(f"{path}: its values are no colours, as task#values expects")
    else:
        codes, grid = read_nifti(path) if kind == "nifti" else read_itk(path)
    _require_voxels(grid, str(path))
    numbers = whole_numbers(codes, path)
    return (numbers if table is None else map_codes(numbers, table, path, colors)), grid


def is_dicom_address(address: str) -> bool:
    """Say whether an address stands for DICOM: a series, or a file of it.

    >>> is_dicom_address("/nowhere/scan.nii.gz")
    False
    """
    path = Path(address)
    if path.is_file():
        return format_of(path) is None and is_dicom(path)
    return split_address(address)[0].is_dir()


def _format(address: str) -> Format | None:
    """Return the format by suffix, or None for DICOM, which has no say in its name."""
    path = Path(address)
    if path.is_file():
        kind = format_of(path)
        if path.stat().st_size == 0:
            raise ReadError(f"{address}: an empty file", "copy or export it again")
        if kind is None and not is_dicom(path):
            raise ReadError(
                f"{address}: neither DICOM nor one of {', '.join(sorted(SUFFIXES))}",
                "convert it to one of these",
            )
        return kind
    if not split_address(address)[0].is_dir():
        raise ReadError(f"{address}: no such file or folder")
    return None


def _finite(values: NDArray[np.float32], grid: Grid, address: str) -> NDArray[np.float32]:
    _require_voxels(grid, address)
    finite = np.isfinite(values)
    if not finite.all():
        wrong = values.size - int(finite.sum())
        raise ReadError(
            f"{address}: {wrong} of {values.size} values are NaN or infinite",
            "export it again, or replace them by the value of the background",
        )
    return values


def _require_room(grid: Grid, address: str) -> None:
    """Refuse what its header says is larger than memory, before anything is read."""
    needed, free = 4e-9 * math.prod(grid.shape), psutil.virtual_memory().available / 1e9
    if needed > free:
        raise ReadError(
            f"{address}: {format_size(grid.shape)} voxels by its header, {needed:.3g} GB as "
            f"float32, but {free:.3g} GB of memory are free",
            "look whether the header is broken; cut the image, or take a larger machine",
        )


def _require_voxels(grid: Grid, address: str) -> None:
    if 0 in grid.shape:
        raise ReadError(f"{address}: size {format_size(grid.shape)}, expected at least one voxel")
