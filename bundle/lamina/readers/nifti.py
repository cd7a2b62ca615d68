"""NIfTI files: one volume or picture each, with the affine that nibabel's rule gives.

The affine is the sform where its code is not 0, else the qform, else the one made from the voxel
sizes alone (https://nipy.org/nibabel/nifti_images.html). NIfTI's unit of length is honoured:
metres and micrometres become mm, an unknown unit counts as mm.
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

_BROKEN = "not a complete NIfTI file"
_MM_PER_UNIT = {"meter": 1000.0, "mm": 1.0, "micron": 0.001, "unknown": 1.0}


def read_nifti(path: Path) -> tuple[NDArray[Any], Grid]:
    """Return voxels (x, y[, z]), scaled by scl_slope and scl_inter, and their grid.

    Raises
    ------
    ReadError
        If the file is truncated, or holds several volumes, complex numbers or colours.
    GeometryError
        If the affine is singular or not finite.
    """
    with reading(path, _BROKEN):
        image = _load(path)
        grid = _grid(image, path)
        return _voxels(image, path).reshape(grid.shape), grid


def read_nifti_grid(path: Path) -> Grid:
    """Return the grid of a NIfTI file from its header alone; raises as `read_nifti` does."""
    with reading(path, _BROKEN):
        return _grid(_load(path), path)


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
    found = path.stat().st_size * (_MOST_DEFLATED if path.suffix.lower() == ".gz" else 1)
    if min(shape, default=0) < 0 or found < needed:
        raise ReadError(
            f"{path}: not a complete NIfTI file ({format_size(shape)} voxels by its header, "
            f"{needed / 1e9:.3g} GB, more than it can hold)",
            "copy or export it again",
        )


def _voxels(image: Nifti1Pair, path: Path) -> NDArray[Any]:
    if path.suffix != ".gz" or not isinstance(image, Nifti1Image):
        return np.asanyarray(image.dataobj)
    with igzip.open(path) as stream:  # twice as fast as Python's gzip
        return np.asanyarray(type(image).from_stream(stream).dataobj)


def _grid(image: Nifti1Pair, path: Path) -> Grid:
    shape = tuple(int(length) for length in image.shape)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) not in (2, 3):
        raise ReadError(
            f"{path}: size {format_size(shape)}, expected one volume (x, y, z)",
            "split time points and channels into files of their own",
        )
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
    affine = np.array(image.affine, dtype=float)
    affine[:3] *= _MM_PER_UNIT[unit]
    return affine
