"""A list of DICOM slices from which people keep some: a CSV file with a column to mark."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pydicom

from lamina.cases.csv_files import read_csv
from lamina.cases.dicom_geometry import order_slices
from lamina.cases.dicom_select import series_folder
from lamina.cases.dicom_series import find_series, is_dicom
from lamina.errors import DataError
from lamina.files import write_table

_COLUMNS = ("number", "keep", "patient", "series", "slice", "file")


@dataclass(frozen=True)
class ListedSlice:
    """One slice: its number in the list, and what it is.

    ``patient`` and ``series`` are names made from the header's identifiers that do not give them
    away; ``slice`` counts from 0 along the series.
    """

    number: int
    patient: str
    series: str
    slice: int
    file: Path

    @property
    def name(self) -> str:
        """What its picture is called."""
        return f"{self.patient}_{self.series}_{self.slice:03d}"


def list_slices(source: Path) -> list[ListedSlice]:
    """Return the slices of every series below a folder, each series in its order in space.

    Raises
    ------
    DataError
        If there is none.
    """
    listed: list[ListedSlice] = []
    for folder, _, names in sorted(os.walk(source)):
        paths = [Path(folder, name) for name in sorted(names)]
        series, _ = find_series(path for path in paths if path.is_file() and is_dicom(path))
        for one in series:
            if one.slices[0].orientation is None or one.slices[0].frame is not None:
                continue
            patient, name = _patient(one.slices[0].path), series_folder(one.slices[0].uid)
            for place, part in enumerate(order_slices(one.slices)):
                listed.append(ListedSlice(len(listed) + 1, patient, name, place, part.path))
    if not listed:
        raise DataError(f"{source}: no DICOM slice, one a file", "give a folder that holds some")
    return listed


def write_slice_list(path: Path, slices: Sequence[ListedSlice]) -> None:
    """Write a list with an empty column ``keep``; files are named from the list's folder on."""
    home = path.resolve().parent
    rows = [
        vars(one) | {"keep": "", "file": os.path.relpath(one.file.resolve(), home)}
        for one in slices
    ]
    write_table(path, _COLUMNS, rows)


def read_kept(path: Path) -> list[ListedSlice]:
    """Return the slices that a list marks in its column ``keep``, with anything but no, 0, - or nothing.

    Raises
    ------
    DataError
        If the file is not such a list, or a slice that is kept is missing.
    """
    kept = []
    for line, row in enumerate(_rows(path), start=2):
        if (row["keep"] or "").strip().lower() in ("", "0", "no", "-"):
            continue
        file = path.resolve().parent / row["file"]
        if not file.is_file():
            raise DataError(f"{path}, line {line}: {file} is missing", "make the list again")
        number, place = (_whole(row[name], name, path, line) for name in ("number", "slice"))
        kept.append(ListedSlice(number, row["patient"], row["series"], place, file))
    return kept


def _whole(text: str, column: str, path: Path, line: int) -> int:
    try:
        return int(text)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{path}, line {line}: {column} is {text!r}, expected a whole number",
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
    """Return a name for a slice's patient that does not say who it is."""
    header = pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=["PatientID"])
    digest = hashlib.sha256(str(header.get("PatientID", "")).encode()).hexdigest()
    return f"patient_{digest[:8]}"
