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
from scipy import ndimage

from lamina.cases.case import Case, DataSet
from lamina.errors import DataError, GeometryError, LaminaError
from lamina.files import written_whole
from lamina.planning.misfit import describe_misfit
from lamina.readers.formats import format_of
from lamina.readers.grid import Grid, grid_difference, lps_to_ras
from lamina.readers.images import read_grid, read_label
from lamina.readers.source import Source
from lamina.writers.label_files import save_nifti, smallest_type

LOSSY = (".jpg", ".jpeg")


@dataclass(frozen=True)
class Outcome:
    """The result for a label that did not fit: the file, and what was done or why nothing was."""

    label: str
    text: str
    fixed: bool


def write_fixed(dataset: DataSet, folder: Path, tolerance_mm: float) -> list[Outcome]:
    """Write a whole data set of links to the files of another, with labels that fit.

    A label that does not fit and can't be fixed is linked like all others, so that it is named
    again when the new folder is planned.

    Parameters
    ----------
    dataset
        As `lamina.cases.find_cases` returns it; of a folder, not of a list.
    folder
        A new one, outside of the data set's.
    tolerance_mm
        As in `lamina.planning.fix.refit`.

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
    outcomes: dict[Path, Outcome] = {}
    for case in dataset.labelled:
        outcome = _fix(case, root, folder, tolerance_mm)
        if outcome:
            outcomes[Path(outcome.label).resolve()] = outcome
    _link_others(root, folder, outcomes)
    return list(outcomes.values())


def _require_new(root: Path, folder: Path) -> None:
    if not root.is_dir():
        raise DataError(f"{root}: a list, not a folder", "give the folder that holds the files")
    if folder.is_relative_to(root) or root.is_relative_to(folder):
        raise DataError(f"{folder}: within the data set {root}", "name a folder beside it")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder}: not empty", "name a new folder for the fixed data set")


def _fix(case: Case, root: Path, folder: Path, tolerance_mm: float) -> Outcome | None:
    path = Path(str(case.label))
    try:
        if Source.of(str(path)).is_dicom:
            read_label(path)  # raises where it does not fit
            return None
        target = folder / path.resolve().relative_to(root)
        grid, image = read_grid(str(path)), read_grid(case.image)
        label, _ = read_label(path)
        refitted = refit(label, grid, image, tolerance_mm)
        if refitted is None:
            return None
        _save(refitted.label, image, target)
    except LaminaError as error:
        return Outcome(str(path), str(error).partition("\n")[0], fixed=False)
    except ValueError:
        return Outcome(str(path), "lies outside of the data set's folder", fixed=False)
    return Outcome(str(path), refitted.done, fixed=True)


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
    image.SetOrigin([float(start) for start in lps[:axes, 3]])
    image.SetDirection(itk.matrix_from_array(lps[:axes, :axes] / np.array(grid.spacing)))
    with written_whole(path) as part:
        itk.imwrite(image, str(part))


def _link_others(root: Path, folder: Path, outcomes: Mapping[Path, Outcome]) -> None:
    for path in _files(root):
        outcome = outcomes.get(path.resolve())
        if outcome and outcome.fixed:
            continue
        target = folder / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.symlink_to(path)
        except OSError:  # a file system without links
            shutil.copy2(path, target)


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(names))


LOST = 0.01
"""Fraction of the structures that may lie outside of the image."""
PROPORTION = 0.01
"""By which the sides of two pictures of one scene may differ in proportion."""

Label = NDArray[np.int32]


@dataclass(frozen=True)
class Refitted:
    """A label on its image's grid, and what was done to bring it there."""

    label: Label
    done: str


def refit(label: Label, grid: Grid, image: Grid, tolerance_mm: float) -> Refitted | None:
    """Return a label on its image's grid, or None where it lies there already.

    A label of the image's size that is off by ``tolerance_mm`` at most, or whose header is the
    identity, gets the image's affine; its voxels stay. Any other is resampled by nearest neighbour
    where both have an affine. Pictures are resized if they have the same proportions.

    Raises GeometryError if it is unclear where the label belongs.
    """
    misfit = describe_misfit(grid, image)
    if misfit is None:
        return None
    if label.ndim != len(image.shape):
        raise GeometryError(f"{misfit}: a picture and a volume")
    if grid.shape == image.shape and _same_but_for_header(grid, image, tolerance_mm):
        return Refitted(label, f"given the affine of its image ({misfit})")
    if "px" in (grid.unit, image.unit):
        return Refitted(_resized(label, image, misfit), f"resized by nearest neighbour ({misfit})")
    if label.ndim != 3:
        raise GeometryError(f"{misfit}: pictures with an affine are not resampled")
    return Refitted(
        _resampled(label, grid, image, misfit), f"resampled by nearest neighbour ({misfit})"
    )


def _same_but_for_header(grid: Grid, image: Grid, tolerance_mm: float) -> bool:
    if "px" in (grid.unit, image.unit):
        return True
    silent = np.allclose(np.abs(grid.affine), np.eye(4))
    near = grid_difference(grid, image, tolerance_mm / min(grid.spacing)) is None
    return silent or near


def _resized(label: Label, image: Grid, misfit: str) -> Label:
    scales = [want / have for want, have in zip(image.shape, label.shape, strict=True)]
    if max(scales) > (1 + PROPORTION) * min(scales):
        raise GeometryError(f"{misfit}: of other proportions, so it may be cropped or rotated")
    indices = [
        ((np.arange(want) + 0.5) / scale).astype(int).clip(0, have - 1)
        for want, scale, have in zip(image.shape, scales, label.shape, strict=True)
    ]
    return label[np.ix_(*indices)]


def _resampled(label: Label, grid: Grid, image: Grid, misfit: str) -> Label:
    outside = _fraction_outside(label, np.linalg.inv(image.affine) @ grid.affine, image)
    if outside > LOST:
        raise GeometryError(f"{misfit}: {outside:.0%} of its structures would lie outside")
    from_image = np.linalg.inv(grid.affine) @ image.affine
    return np.asarray(
        ndimage.affine_transform(
            label, from_image[:3, :3], from_image[:3, 3], image.shape, order=0, mode="nearest"
        ),
        dtype=np.int32,
    )


def _fraction_outside(label: Label, to_image: NDArray[np.float64], image: Grid) -> float:
    """Return the fraction of voxels outside of the image, but for those of the most frequent value."""
    values, counts = np.unique(label, return_counts=True)
    voxels = np.argwhere(label != values[counts.argmax()])
    if not len(voxels):
        return 0.0
    inside = voxels @ to_image[:3, :3].T + to_image[:3, 3]
    beside = ((inside < -0.5) | (inside > np.array(image.shape) - 0.5)).any(axis=1)
    return float(beside.mean())
