"""DICOM series as volumes, and single DICOM images (X-rays) as pictures.

An address is one string: a file, a folder that holds one series, or folder#SeriesInstanceUID.
Stored values are turned where MONOCHROME1 means that low is bright, then scaled by the modality
transformation (RescaleSlope and RescaleIntercept, or its table), slice by slice.
"""

import logging
import os
from collections.abc import Sequence
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut
from pydicom.pixels.utils import get_expected_length
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from lamina.errors import ReadError, reading
from lamina.readers.dicom_file import read_dicom_file
from lamina.readers.dicom_frames import frame_headers
from lamina.readers.dicom_rules import SeriesRules, interpolate
from lamina.readers.dicom_slices import Slice
from lamina.readers.grid import Grid
from lamina.readers.pixel_process import decode
from lamina.readers.source import Source
from lamina.zips import MOST_GB, refuse_bomb

logger = logging.getLogger("lamina")


def read_dicom(address: str, rules: SeriesRules | None = None) -> tuple[NDArray[np.float32], Grid]:
    """Return voxels (columns, rows[, slices]) and the grid of a series or a single image.

    Colours become grey by the luminance of ITU-R BT.601. What the rules accepted or filled is
    logged as a warning.

    Raises
    ------
    ReadError
        If there is no image or more than one series, or pixels can't be decoded.
    GeometryError
        If the slices do not make one regular grid.
    """
    source = Source.of(address, rules)
    plan = source.plan
    for warning in plan.warnings:
        logger.warning("%s: %s", source, warning)
    voxels = np.stack(_read_slices(plan.slices), axis=-1)
    if not plan.regular:
        voxels = interpolate(voxels, plan.places, plan.grid.shape[2])
    return voxels.reshape(plan.grid.shape), plan.grid


def _read_slices(slices: Sequence[Slice]) -> list[NDArray[np.float32]]:
    """Return the pixels of each slice; files are decoded in parallel, each once."""
    files: dict[Path, list[int]] = {}
    for one in slices:
        files.setdefault(one.path, []).append(one.frame or 0)
    with ThreadPool(min(len(files), os.cpu_count() or 1)) as threads:
        pixels = threads.starmap(_read_frames, files.items())
    of_file = dict(zip(files, map(iter, pixels), strict=True))
    return [next(of_file[one.path]) for one in slices]


def _read_frames(path: Path, frames: Sequence[int]) -> list[NDArray[np.float32]]:
    with reading(path, "its pixels can't be decoded"):
        image = _with_syntax(read_dicom_file(path, "its pixels can't be decoded"))
        count = int(image.get("NumberOfFrames") or 1)
        pixels = _pixels(image, path)
        stored = pixels if count > 1 else pixels[None]
        grouped = "PerFrameFunctionalGroupsSequence" in image
        headers = list(frame_headers(image)) if count > 1 or grouped else [image]
        return [_scaled(stored[number], image, headers[number], path) for number in frames]


def _pixels(image: Dataset, path: Path) -> NDArray[Any]:
    """Return what is stored; compressed pixels are decoded apart, since C libraries do it."""
    size = get_expected_length(image)
    if not image.file_meta.TransferSyntaxUID.is_encapsulated:
        return image.pixel_array
    refuse_bomb(path, size, path.stat().st_size, MOST_GB)
    return decode(path, size)


def _with_syntax(image: Dataset) -> Dataset:
    """Give a file without a meta header the transfer syntax that its data set was read by."""
    if "TransferSyntaxUID" not in image.file_meta:
        implicit, little = image.original_encoding
        syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        image.file_meta.TransferSyntaxUID = syntax if little else ExplicitVRBigEndian
    return image


def _scaled(
    stored: NDArray[Any], image: Dataset, frame: Dataset, path: Path
) -> NDArray[np.float32]:
    """Return one frame as grey values (columns, rows), by its own modality transformation."""
    grey = _grey(stored, image, path)
    if image.PhotometricInterpretation == "MONOCHROME1":
        grey = _inverted(grey, image)
    scaled = apply_modality_lut(grey, frame if "RescaleSlope" in frame else image)
    return scaled.astype(np.float32).T


def _grey(stored: NDArray[Any], image: Dataset, path: Path) -> NDArray[Any]:
    if image.PhotometricInterpretation == "PALETTE COLOR":
        raise ReadError(f"{path}: a DICOM palette picture", "export it as PNG or as grey DICOM")
    return np.asarray(Image.fromarray(stored).convert("L")) if stored.ndim == 3 else stored


def _inverted(stored: NDArray[Any], image: Dataset) -> NDArray[Any]:
    """Mirror stored values within the range of their bits."""
    ends = -1 if image.PixelRepresentation else 2 ** int(image.BitsStored) - 1
    return ends - np.asarray(stored, dtype=np.int64)
