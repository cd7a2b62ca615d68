"""A data set copied with its labels brought onto their images; the originals are not touched."""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import itk
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamina.cases import DataSet, is_dicom_address, read_grid, read_label
from lamina.cases.case import Case
from lamina.cases.formats import format_of
from lamina.cases.grid import Grid, lps_to_ras
from lamina.errors import DataError, GeometryError, LaminaError
from lamina.files import written_whole
from lamina.output.label_files import save_nifti, smallest_type
from lamina.planning.refit import refit

LOSSY = (".jpg", ".jpeg")


@dataclass(frozen=True)
class Outcome:
    """What became of a label that did not fit: the file, and what was done or why nothing was."""

    label: str
    text: str
    mended: bool


def write_fixed(dataset: DataSet, folder: Path, tolerance_mm: float) -> list[Outcome]:
    """Write a whole data set of links to the files of another, with labels that fit.

    A label that does not fit and can't be mended is linked like all others, so that it is named
    again when the new folder is planned.

    Parameters
    ----------
    dataset
        As `lamina.cases.find_cases` returns it; of a folder, not of a list.
    folder
        A new one, outside of the data set's.
    tolerance_mm
        As in `lamina.planning.refit.refit`.

    Returns
    -------
    An entry for each label that did not fit, or could not be read.

    Raises
    ------
    DataError
        If the folder is not empty, or the data set is a list.
    """
    root = dataset.root.resolve()
    _require_new(root, folder.resolve())
    mended: dict[Path, Outcome] = {}
    for case in dataset.labelled:
        outcome = _fix(case, root, folder, tolerance_mm)
        if outcome:
            mended[Path(outcome.label).resolve()] = outcome
    _link_others(root, folder, mended)
    return list(mended.values())


def _require_new(root: Path, folder: Path) -> None:
    if not root.is_dir():
        raise DataError(f"{root}: a list, not a folder", "give the folder that holds the files")
    if folder.is_relative_to(root) or root.is_relative_to(folder):
        raise DataError(f"{folder}: within the data set {root}", "name a folder beside it")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder}: not empty", "name a new folder for the mended data set")


def _fix(case: Case, root: Path, folder: Path, tolerance_mm: float) -> Outcome | None:
    path = Path(str(case.label))
    try:
        if is_dicom_address(str(path)):
            read_label(path)  # raises where it does not fit
            return None
        target = folder / path.resolve().relative_to(root)
        grid, image = read_grid(str(path)), read_grid(case.image)
        label, _ = read_label(path)
        found = refit(label, grid, image, tolerance_mm)
        if found is None:
            return None
        _save(found.label, image, target)
    except LaminaError as error:
        return Outcome(str(path), str(error).partition("\n")[0], mended=False)
    except ValueError:
        return Outcome(str(path), "lies outside of the data set's folder", mended=False)
    return Outcome(str(path), found.done, mended=True)


def _save(label: NDArray[np.int32], grid: Grid, path: Path) -> None:
    """Write a label in the format that its name says."""
    if label.min() < 0:
        raise GeometryError(f"values below 0, {label.min()} the smallest, are no classes")
    whole = label.astype(smallest_type(int(label.max())))
    kind = format_of(path)
    if kind == "picture":
        _save_picture(whole, path)
    elif kind == "nifti" and path.name.endswith(".gz"):
        save_nifti(whole, grid.affine, grid.unit if grid.unit == "mm" else "unknown", path)
    else:
        _save_with_itk(whole, grid, path)


def _save_picture(label: NDArray[np.unsignedinteger], path: Path) -> None:
    if path.suffix.lower() in LOSSY:
        raise GeometryError("a JPEG changes the values that it stores: export it as PNG")
    if label.dtype.itemsize > 2:
        raise GeometryError(f"values up to {label.max()} do not fit a picture")
    with written_whole(path) as part:
        Image.fromarray(np.ascontiguousarray(label.T)).save(part)


def _save_with_itk(label: NDArray[np.unsignedinteger], grid: Grid, path: Path) -> None:
    """Write NRRD, MetaImage or an uncompressed NIfTI; ITK's space is LPS+."""
    image = itk.image_from_array(np.ascontiguousarray(label.T))
    axes = label.ndim
    lps = lps_to_ras(grid.affine)
    image.SetSpacing([float(step) for step in grid.spacing])
    image.SetOrigin([float(place) for place in lps[:axes, 3]])
    image.SetDirection(itk.matrix_from_array(lps[:axes, :axes] / np.array(grid.spacing)))
    with written_whole(path) as part:
        itk.imwrite(image, str(part))


def _link_others(root: Path, folder: Path, mended: Mapping[Path, Outcome]) -> None:
    for path in _files(root):
        outcome = mended.get(path.resolve())
        if outcome and outcome.mended:
            continue
        target = folder / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.symlink_to(path)
        except OSError:  # a file system without links
            shutil.copy2(path, target)


def _files(root: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(names))
