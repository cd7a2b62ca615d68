"""DICOM slices as pictures for people: a window of their values becomes 256 greys."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamina.cases.dicom import read_dicom
from lamina.cases.slice_list import ListedSlice
from lamina.errors import ConfigError, DataError
from lamina.files import write_table, written_whole

Window = tuple[float, float]

WINDOW: Window = (-1000.0, 3000.0)
"""Lowest and highest value, wide enough for air, bone and metal in HU."""

logger = logging.getLogger("lamina")


def read_window(text: str) -> Window:
    """Return a window written as LOW,HIGH.

    Raises
    ------
    ConfigError
        If these are not two numbers in this order.

    Examples
    --------
    >>> read_window("-200,300")
    (-200.0, 300.0)
    """
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low = high = 0.0
    if not low < high:
        raise ConfigError(f"--window {text}: expected LOW,HIGH", "write it as --window=-1000,3000")
    return low, high


def windowed(values: NDArray[Any], window: Window) -> NDArray[np.uint8]:
    """Return values as greys: 0 at and below the window, 255 at and above it.

    >>> windowed(np.array([-2000.0, 1000.0, 3000.0]), WINDOW).tolist()
    [0, 128, 255]
    """
    low, high = window
    share = (np.asarray(values, dtype=np.float32) - low) / (high - low)
    return (255 * share.clip(0, 1)).round().astype(np.uint8)


def slice_picture(path: Path, window: Window) -> Image.Image:
    """Return a slice's file as a grey picture; raises as `read_dicom` does."""
    values, _ = read_dicom(str(path))
    return Image.fromarray(windowed(values.reshape(values.shape[:2]), window).T)


def write_pictures(slices: Sequence[ListedSlice], target: Path, window: Window) -> list[str]:
    """Write slices as ``images/NAME.png`` with ``patients.csv``, which a data set needs; return names.

    Images of one patient are thus never divided between training and test. Names say nothing
    about the patient. What the window cuts off of a slice is told where it is more than a percent.

    Raises
    ------
    DataError
        If there is no slice.
    """
    if not slices:
        raise DataError("no slice is marked to be kept", "put x into the column keep of the list")
    (target / "images").mkdir(parents=True, exist_ok=True)
    for one in slices:
        with written_whole(target / "images" / f"{one.name}.png") as part:
            slice_picture(one.file, window).save(part, format="PNG")
    rows = [{"case": one.name, "patient": one.patient} for one in slices]
    write_table(target / "patients.csv", ("case", "patient"), rows)
    return [one.name for one in slices]
