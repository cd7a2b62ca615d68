"""NIfTI files: volumes, their time points, and pictures, with the affine of nibabel's rule.

The affine is the sform where its code is not 0, else the qform, else the one made from the voxel
sizes alone (https://nipy.org/nibabel/nifti_images.html). NIfTI's unit of length is honoured:
metres and micrometres become mm, an unknown unit counts as mm.

A fourth axis is time, as NIfTI says. Whether it really is, is doubtful where the header gives no
unit and no step of time, or where the fifth axis is the one that is used: data sets store channels
there. Each volume is then read with a warning.
"""

import math
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from isal import igzip
from nibabel.nifti1 import Nifti1Image, Nifti1Pair
from numpy.typing import NDArray

from lamina.errors import GeometryError, ReadError, reading
from lamina.readers.grid import Grid, format_size, require_affine
from lamina.readers.parts import require_part, warn_of_time

_BROKEN = "not a complete NIfTI file"
# Second, millisecond, microsecond, in the bits 3 to 5 of xyzt_units.
_UNITS_OF_TIME = (8, 16, 24)
# Matrices, displacements, vectors, points, triangles, quaternions, and colours (nifti1.h).
_VECTORS = (*range(1004, 1011), 2003, 2004)
_MM_PER_UNIT = {"meter": 1000.0, "mm": 1.0, "micron": 0.001, "unknown": 1.0}


def read_nifti(path: Path, time: int | None = None) -> tuple[NDArray[Any], Grid]:
    """Return voxels (x, y[, z]), scaled by scl_slope and scl_inter, and their grid.

    Parameters
    ----------
    path
        The file.
    time
        The time point that is read, from 1, and no other; None where the file has only one.

    Raises
    ------
    ReadError
        If the file is truncated, or holds several volumes of which none is named, vectors,
        complex numbers or colours.
    GeometryError
        If the affine is singular or not finite.
    """
    with reading(path, _BROKEN):
        image = _load(path)
        shape, count = _shape_and_count(image, path)
        at = require_part(path, "t", count, time)
        grid = _grid(image, shape, path)
        if count > 1 and not _is_time(image):
            warn_of_time(path, count, at + 1)
        return _voxels(image, path, at if count > 1 else None).reshape(shape), grid


def read_nifti_grid(path: Path, time: int | None = None) -> Grid:
    """Return the grid of a NIfTI file from its header alone; raises as `read_nifti` does."""
    with reading(path, _BROKEN):
        image = _load(path)
        shape, count = _shape_and_count(image, path)
        require_part(path, "t", count, time)
        return _grid(image, shape, path)


def count_nifti(path: Path) -> int:
    """Return how many time points a NIfTI file has; raises as `read_nifti` does."""
    with reading(path, _BROKEN):
        return _shape_and_count(_load(path), path)[1]


def _load(path: Path) -> Nifti1Pair:
    image = nibabel.load(path)
    if not isinstance(image, Nifti1Pair):
        raise ReadError(f"{path}: named as NIfTI, but holds {type(image).__name__}")
    kind = image.get_data_dtype()
    if kind.kind not in "biuf":
        raise ReadError(
            f"{path}: voxels of type {kind}, expected one number each",
            "write the magnitude or the grey value as a NIfTI file of its own",
        )
    _require_data(image, path)
    return image


_MOST_DEFLATED = 1032
"""No deflated byte stands for more."""


def _require_data(image: Nifti1Pair, path: Path) -> None:
    """Refuse lengths that the file can't hold, before memory is taken for them."""
    shape = tuple(int(length) for length in image.shape)
    needed = math.prod(shape) * image.get_data_dtype().itemsize + int(
        image.header.get_data_offset()
    )
    stored: Any = image.dataobj
    begin = int(stored.offset)
    if isinstance(image, Nifti1Image) and begin < int(image.header["sizeof_hdr"]):
        raise ReadError(
            f"{path}: its voxels begin at byte {begin} by its header (vox_offset), which lies "
            "within the header",
            "write the file again",
        )
    found = path.stat().st_size * (_MOST_DEFLATED if path.suffix.lower() == ".gz" else 1)
    if min(shape, default=0) < 0 or found < needed:
        raise ReadError(
            f"{path}: not a complete NIfTI file ({format_size(shape)} voxels by its header, "
            f"{needed / 1e9:.3g} GB, more than it can hold)",
            "copy or export it again",
        )


def _voxels(image: Nifti1Pair, path: Path, at: int | None) -> NDArray[Any]:
    if path.suffix != ".gz" or not isinstance(image, Nifti1Image):
        return _volume(image.dataobj, at)
    with igzip.open(path) as stream:  # twice as fast as Python's gzip
        return _volume(type(image).from_stream(stream).dataobj, at)


def _volume(stored: Any, at: int | None) -> NDArray[Any]:
    """Return all voxels, or one volume of several, of which alone the bytes are kept."""
    if at is None:
        return np.asanyarray(stored)
    axis = max(range(3, len(stored.shape)), key=lambda axis: stored.shape[axis])
    return np.asanyarray(
        stored[(slice(None),) * 3 + tuple(at * (k == axis) for k in range(3, stored.ndim))]
    )


def _shape_and_count(image: Nifti1Pair, path: Path) -> tuple[tuple[int, ...], int]:
    """Return the size of a volume, and how many lie along the fourth or the fifth axis."""
    shape = tuple(int(length) for length in image.shape)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    several = [length for length in shape[3:] if length != 1]
    if len(shape) < 2 or len(several) > 1 or 0 in several:
        raise ReadError(
            f"{path}: size {format_size(shape)}, expected volumes (x, y, z) along one more axis",
            "split time points and channels into files of their own",
        )
    intent = int(image.header["intent_code"])
    if several and intent in _VECTORS:
        raise ReadError(
            f"{path}: size {format_size(shape)}, {several[0]} values a voxel "
            f"({image.header.get_intent()[0]}), expected one",
            "save the one that the task needs as a file of its own",
        )
    return shape[:3], (several or [1])[0]


def _is_time(image: Nifti1Pair) -> bool:
    """Say whether the header says so: by a unit, and a step that is none of the usual fillers."""
    unit = int(image.header["xyzt_units"]) & 0x38
    return unit in _UNITS_OF_TIME and image.header["pixdim"][4] not in (0, 1) and image.ndim == 4


def _grid(image: Nifti1Pair, shape: tuple[int, ...], path: Path) -> Grid:
    affine = _affine_in_mm(image, path)
    require_affine(affine, path)
    return Grid(shape, affine)


def _affine_in_mm(image: Nifti1Pair, path: Path) -> NDArray[np.float64]:
    try:
        unit = image.header.get_xyzt_units()[0]
    except KeyError as error:
        code = int(image.header["xyzt_units"]) % 8
        raise GeometryError(
            f"{path}: its unit of length has the code {code}, which NIfTI does not know",
            "write the file again with mm as its unit",
        ) from error
    if image.header["sform_code"] <= 0:
        _require_size(image, path)
    affine = np.array(image.affine, dtype=float)
    affine[:3] *= _MM_PER_UNIT[unit]
    return affine


def _require_size(image: Nifti1Pair, path: Path) -> None:
    """Refuse voxels without a size along an axis; nibabel takes 0 for 1 while it reads a header."""
    place = image.file_map["header" if "header" in image.file_map else "image"]
    with place.get_prepare_fileobj("rb") as file:
        stored = type(image.header).from_fileobj(file, check=False)["pixdim"][1:4]
    sizes = [float(size) for size, count in zip(stored, image.shape, strict=False) if count > 1]
    if not all(sizes):
        raise GeometryError(
            f"{path}: its voxels have the size {'×'.join(map(str, sizes))} by its header (pixdim)",
            "write the file again with its spacing",
        )
