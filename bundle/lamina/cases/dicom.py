"""DICOM series as volumes, and single DICOM images (X-rays) as pictures.

An address is one string: a file, a folder that holds one series, or folder#SeriesInstanceUID.
Stored values are turned where MONOCHROME1 means that low is bright, then scaled by the modality
transformation (RescaleSlope and RescaleIntercept, or its table), slice by slice.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.pixels import apply_modality_lut

from lamina.cases.address import split_address
from lamina.cases.dicom_geometry import SLICE_TOLERANCE, order_slices, series_grid
from lamina.cases.dicom_series import Slice, find_series, is_dicom, read_slice
from lamina.cases.grid import Grid
from lamina.errors import ReadError

_BAD_PIXELS = (
    InvalidDicomError,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    RuntimeError,
)


def read_dicom(
    address: str, tolerance: float = SLICE_TOLERANCE
) -> tuple[NDArray[np.float32], Grid]:
    """Return voxels (columns, rows[, slices]) and the grid of a series or a single image.

    Colours become grey by the luminance of ITU-R BT.601.

    Raises
    ------
    ReadError
        If there is no image or more than one series, or pixels can't be decoded.
    GeometryError
        If the slices do not make one regular grid.
    """
    slices = dicom_slices(address)
    grid = series_grid(slices, tolerance)
    voxels = np.stack([_read_pixels(one.path) for one in slices], axis=-1)
    return voxels.reshape(grid.shape), grid


def read_dicom_grid(address: str, tolerance: float = SLICE_TOLERANCE) -> Grid:
    """Return the grid of a series from its headers alone; raises as `read_dicom` does."""
    return series_grid(dicom_slices(address), tolerance)


def dicom_slices(address: str) -> list[Slice]:
    """Return the slices of a series in the order of the volume's last axis."""
    if Path(address).is_file():
        return [read_slice(Path(address))]
    return order_slices(_series_slices(*split_address(address)))


def _series_slices(folder: Path, uid: str | None) -> tuple[Slice, ...]:
    series, problems = find_series(
        path for path in folder.iterdir() if path.is_file() and is_dicom(path)
    )
    if uid is not None:
        series = [one for one in series if one.slices[0].uid == uid]
    if len(series) == 1:
        return series[0].slices
    if not series:
        found = problems[0] if problems else "no DICOM file"
        raise ReadError(f"{folder}: no DICOM series of images{f' {uid}' if uid else ''} ({found})")
    addresses = ", ".join(one.address for one in series[:4])
    raise ReadError(
        f"{folder}: {len(series)} DICOM series or images in one folder, expected one",
        f"name one of them: {addresses}",
    )


def _read_pixels(path: Path) -> NDArray[np.float32]:
    try:
        image = pydicom.dcmread(path, force=True)
        stored = _grey(image.pixel_array, image, path)
        if image.PhotometricInterpretation == "MONOCHROME1":
            stored = _inverted(stored, image)
        return apply_modality_lut(stored, image).astype(np.float32).T
    except _BAD_PIXELS as error:
        raise ReadError(
            f"{path}: its pixels can't be decoded ({' '.join(str(error).split())[:200]})",
            "export it uncompressed, or copy it again",
        ) from error


def _grey(stored: NDArray[Any], image: Dataset, path: Path) -> NDArray[Any]:
    if image.PhotometricInterpretation == "PALETTE COLOR":
        raise ReadError(f"{path}: a DICOM palette picture", "export it as PNG or as grey DICOM")
    return np.asarray(Image.fromarray(stored).convert("L")) if stored.ndim == 3 else stored


def _inverted(stored: NDArray[Any], image: Dataset) -> NDArray[Any]:
    """Mirror stored values within the range of their bits."""
    ends = -1 if image.PixelRepresentation else 2 ** int(image.BitsStored) - 1
    return ends - np.asarray(stored, dtype=np.int64)
