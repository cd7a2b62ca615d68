"""Slices of DICOM series: listed in a CSV file, drawn on contact sheets, written as pictures."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lamina.errors import ConfigError, DataError
from lamina.files import read_csv, write_table, written_whole
from lamina.prepare.select_series import series_folder
from lamina.readers.dicom import read_dicom
from lamina.readers.dicom_file import is_dicom, read_header
from lamina.readers.dicom_geometry import order_slices
from lamina.readers.dicom_series import find_series

_COLUMNS = ("number", "keep", "patient", "series", "slice", "file")


@dataclass(frozen=True)
class ListedSlice:
    """One slice: its number in the list, and its origin.

    ``patient`` and ``series`` are names derived from the header's identifiers by a hash; ``slice``
    counts from 0 along the series.
    """

    number: int
    patient: str
    series: str
    slice: int
    file: Path

    @property
    def name(self) -> str:
        """Name of its picture."""
        return f"{self.patient}_{self.series}_{self.slice:03d}"


def list_slices(source: Path) -> list[ListedSlice]:
    """Return the slices of every series below a folder, each series in spatial order.

    Raises DataError if there is none.
    """
    listed: list[ListedSlice] = []
    for folder, _, names in sorted(os.walk(source)):
        paths = [Path(folder, name) for name in sorted(names)]
        series, _ = find_series(path for path in paths if path.is_file() and is_dicom(path))
        for slices in (found.slices for found in series):
            if slices[0].orientation is None or slices[0].frame is not None:
                continue
            patient, name = _patient(slices[0].path), series_folder(slices[0].uid)
            for index, item in enumerate(order_slices(slices)):
                listed.append(ListedSlice(len(listed) + 1, patient, name, index, item.path))
    if not listed:
        raise DataError(
            f"{source}: no DICOM slice with a file of its own", "give a folder that holds some"
        )
    return listed


def write_slice_list(path: Path, slices: Sequence[ListedSlice]) -> None:
    """Write a list with an empty column ``keep``; paths are relative to the list's folder."""
    home = path.resolve().parent
    rows = [
        vars(item) | {"keep": "", "file": os.path.relpath(item.file.resolve(), home)}
        for item in slices
    ]
    write_table(path, _COLUMNS, rows)


def read_kept(path: Path) -> list[ListedSlice]:
    """Return the slices that a list marks in its column ``keep``: by any text but  no, 0 or -.

    Raises DataError if the file is not such a list, or a slice that is kept is missing.
    """
    kept = []
    for line, row in enumerate(_rows(path), start=2):
        if (row["keep"] or "").strip().lower() in ("", "0", "no", "-"):
            continue
        file = path.resolve().parent / row["file"]
        if not file.is_file():
            raise DataError(f"{path}, line {line}: {file} is missing", "make the list again")
        number, index = (_whole(row[name], name, path, line) for name in ("number", "slice"))
        kept.append(ListedSlice(number, row["patient"], row["series"], index, file))
    return kept


def _whole(text: str, column: str, path: Path, line: int) -> int:
    try:
        return int(text)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{path}, line {line}: {column} is {text!r}, expected an integer",
            "change the column keep only",
        ) from error


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise DataError(f"{path}: no such file", "make it with `lamina dicom sheet`")
    rows = read_csv(path)
    if not rows or not set(_COLUMNS) <= set(rows[0]):
        raise DataError(
            f"{path}: expected the columns {', '.join(_COLUMNS)}",
            "make the list with `lamina dicom sheet`, and change the column keep only",
        )
    return rows


def _patient(path: Path) -> str:
    """Return a name for a slice's patient that does not identify them."""
    header = read_header(path, "PatientID")
    digest = hashlib.sha256(str(header.get("PatientID", "")).encode()).hexdigest()
    return f"patient_{digest[:8]}"


Window = tuple[float, float]

WINDOW: Window = (-1000.0, 3000.0)
"""Lowest and highest value, wide enough for air, bone and metal in HU."""


def read_window(text: str) -> Window:
    """Return a window written as LOW,HIGH.

    Raises ConfigError if these are not two numbers in this order.

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
    fraction = (np.asarray(values, dtype=np.float32) - low) / (high - low)
    return (255 * fraction.clip(0, 1)).round().astype(np.uint8)


def slice_picture(path: Path, window: Window) -> Image.Image:
    """Return a slice's file as a grey picture; raises as `read_dicom` does."""
    values, _ = read_dicom(str(path))
    return Image.fromarray(windowed(values.reshape(values.shape[:2]), window).T)


def write_pictures(slices: Sequence[ListedSlice], target: Path, window: Window) -> list[str]:
    """Write slices as ``images/NAME.png``, and ``patients.csv`` with their patients; return names.

    The table keeps images of one patient from being divided between training and test.

    Raises DataError if there is no slice.
    """
    if not slices:
        raise DataError("no slice is marked to be kept", "put x into the column keep of the list")
    (target / "images").mkdir(parents=True, exist_ok=True)
    for item in slices:
        with written_whole(target / "images" / f"{item.name}.png") as part:
            slice_picture(item.file, window).save(part, format="PNG")
    rows = [{"case": item.name, "patient": item.patient} for item in slices]
    write_table(target / "patients.csv", ("case", "patient"), rows)
    return [item.name for item in slices]


COLUMNS, ROWS = 6, 5
_SIZE, _LINE, _GAP = 180, 20, 8
_BACK, _TEXT = (18, 22, 28), (230, 234, 240)


def write_contact_sheets(slices: Sequence[ListedSlice], folder: Path, window: Window) -> list[Path]:
    """Write ``sheet_001.png`` and so on, 30 slices each; return their paths.

    Raises ReadError if a slice can't be decoded; the message names its file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pages = [slices[at : at + COLUMNS * ROWS] for at in range(0, len(slices), COLUMNS * ROWS)]
    return [_write_page(page, folder, number, window) for number, page in enumerate(pages, 1)]


def _write_page(page: Sequence[ListedSlice], folder: Path, number: int, window: Window) -> Path:
    cell = (_SIZE + _GAP, _SIZE + _LINE + _GAP)
    sheet = Image.new("RGB", (COLUMNS * cell[0] + _GAP, ROWS * cell[1] + _GAP), _BACK)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=14)
    for index, item in enumerate(page):
        left, top = index % COLUMNS * cell[0] + _GAP, index // COLUMNS * cell[1] + _GAP
        draw.text((left, top), str(item.number), fill=_TEXT, font=font)
        picture = slice_picture(item.file, window)
        scale = _SIZE / max(picture.size)
        size = (max(round(picture.width * scale), 1), max(round(picture.height * scale), 1))
        sheet.paste(picture.resize(size).convert("RGB"), (left, top + _LINE))
    path = folder / f"sheet_{number:03d}.png"
    with written_whole(path) as part:
        sheet.save(part, format="PNG")
    return path
