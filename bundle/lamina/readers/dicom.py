"""DICOM series as volumes, and single DICOM images (X-rays) as pictures.

An address is one string: a file, a folder that holds one series, or folder#SeriesInstanceUID.
Stored values are turned where MONOCHROME1 means that low is bright, then scaled by the modality
transformation (RescaleSlope and RescaleIntercept, or its table), slice by slice.
"""

import os
from collections.abc import Sequence
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.pixels import apply_modality_lut

from lamina.errors import ReadError
from lamina.readers.address import split_address
from lamina.readers.dicom_frames import frame_headers
from lamina.readers.dicom_geometry import order_slices
from lamina.readers.dicom_rules import SeriesPlan, SeriesRules, interpolate, plan_series
from lamina.readers.dicom_series import Slice, find_series, is_dicom
from lamina.readers.grid import Grid

_BAD_PIXELS = (
    BytesLengthException,
    InvalidDicomError,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    RuntimeError,
)


def read_dicom(address: str, rules: SeriesRules | None = None) -> tuple[NDArray[np.float32], Grid]:
    """Return voxels (columns, rows[, slices]) and the grid of a series or a single image.

    Colours become grey by the luminance of ITU-R BT.601.

    Raises
    ------
    ReadError
        If there is no image or more than one series, or pixels can't be decoded.
    GeometryError
        If the slices do not make one regular grid.
    """
    plan = dicom_plan(address, rules)
    voxels = np.stack(_read_slices(plan.slices), axis=-1)
    if not plan.regular:
        voxels = interpolate(voxels, plan.places, plan.grid.shape[2])
    return voxels.reshape(plan.grid.shape), plan.grid


def read_dicom_grid(address: str, rules: SeriesRules | None = None) -> Grid:
    """Return the grid of a series from its headers alone; raises as `read_dicom` does."""
    return dicom_plan(address, rules).grid


def dicom_plan(address: str, rules: SeriesRules | None = None) -> SeriesPlan:
    """Return which slices make the volume of an address, and where each lies in it."""
    return plan_series(dicom_slices(address), rules or SeriesRules())


def dicom_slices(address: str) -> list[Slice]:
    """Return the slices of a series in the order of the volume's last axis."""
    return order_slices(series_slices(*split_address(address)))


def series_slices(place: Path, part: str | None) -> tuple[Slice, ...]:
    """Return the slices of a file, a folder, or the part of it that is named, in no order."""
    files = [place] if place.is_file() else [p for p in place.iterdir() if p.is_file()]
    series, problems = find_series(path for path in files if is_dicom(path))
    uid, folder = part, place
    if part is not None:
        series = [
            one for one in series if one.address == f"{place}#{part}" or one.slices[0].uid == part
        ]
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


def _read_slices(slices: Sequence[Slice]) -> list[NDArray[np.float32]]:
    """Return the pixels of each slice; files are decoded in parallel, several frames at once."""
    if slices[0].frame is not None:
        return _read_frames(slices[0].path, [one.frame or 0 for one in slices])
    with ThreadPool(min(len(slices), os.cpu_count() or 1)) as threads:
        return threads.map(_read_pixels, [one.path for one in slices])


def _read_frames(path: Path, frames: Sequence[int]) -> list[NDArray[np.float32]]:
    try:
        image = pydicom.dcmread(path, force=True)
        stored = image.pixel_array if int(image.NumberOfFrames) > 1 else image.pixel_array[None]
        headers = list(frame_headers(image))
        pixels = []
        for number in frames:
            one = _grey(stored[number], image, path)
            if image.PhotometricInterpretation == "MONOCHROME1":
                one = _inverted(one, image)
            scaled = "RescaleSlope" in headers[number]
            pixels.append(apply_modality_lut(one, headers[number] if scaled else image))
        return [one.astype(np.float32).T for one in pixels]
    except _BAD_PIXELS as error:
        raise _undecodable(path, error) from error


def _read_pixels(path: Path) -> NDArray[np.float32]:
    try:
        image = pydicom.dcmread(path, force=True)
        stored = _grey(image.pixel_array, image, path)
        if image.PhotometricInterpretation == "MONOCHROME1":
            stored = _inverted(stored, image)
        return apply_modality_lut(stored, image).astype(np.float32).T
    except _BAD_PIXELS as error:
        raise _undecodable(path, error) from error


def _undecodable(path: Path, error: Exception) -> ReadError:
    return ReadError(
        f"{path}: its pixels can't be decoded ({' '.join(str(error).split())[:200]})",
        "export it uncompressed, or copy it again",
    )


def _grey(stored: NDArray[Any], image: Dataset, path: Path) -> NDArray[Any]:
    if image.PhotometricInterpretation == "PALETTE COLOR":
        raise ReadError(f"{path}: a DICOM palette picture", "export it as PNG or as grey DICOM")
    return np.asarray(Image.fromarray(stored).convert("L")) if stored.ndim == 3 else stored


def _inverted(stored: NDArray[Any], image: Dataset) -> NDArray[Any]:
    """Mirror stored values within the range of their bits."""
    ends = -1 if image.PixelRepresentation else 2 ** int(image.BitsStored) - 1
    return ends - np.asarray(stored, dtype=np.int64)
