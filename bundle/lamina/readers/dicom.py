"""DICOM series as volumes, and single DICOM images (X-rays) as pictures.

An address is one string: a file, a folder that holds one series, folder#SeriesInstanceUID, or
file#frames:N for volume or frame N of a multi-frame file.
What is stored becomes grey values slice by slice (`lamina.readers.dicom_values`).
"""

import logging
import os
from collections.abc import Sequence
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from lamina.errors import reading
from lamina.readers.dicom_file import read_dicom_file
from lamina.readers.dicom_frames import PER_FRAME, frame_headers
from lamina.readers.dicom_rules import SeriesRules, interpolate
from lamina.readers.dicom_slices import Slice
from lamina.readers.dicom_values import grey_values, stored_pixels
from lamina.readers.grid import Grid
from lamina.readers.source import Source

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
        grouped = int(image.get("NumberOfFrames") or 1) > 1 or PER_FRAME in image
        headers = list(frame_headers(image)) if grouped else [image]
        return [
            grey_values(stored, image, headers[number]).T
            for number, stored in zip(frames, stored_pixels(image, path, frames), strict=True)
        ]


def _with_syntax(image: Dataset) -> Dataset:
    """Give a file without a meta header the transfer syntax that its data set was read by."""
    if "TransferSyntaxUID" not in image.file_meta:
        implicit, little = image.original_encoding
        syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        image.file_meta.TransferSyntaxUID = syntax if little else ExplicitVRBigEndian
    return image
