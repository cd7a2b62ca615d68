"""Label maps as files: NIfTI, PNG, a picture for each structure; probabilities as NIfTI."""

import contextlib
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from isal import igzip
from nibabel.filebasedimages import ImageFileError
from PIL import Image

from lamina.cases.case import unique_names
from lamina.errors import GeometryError
from lamina.files import written_whole
from lamina.readers.memory_order import in_order
from lamina.readers.source import Source
from lamina.writers.segmented_case import SegmentedCase

_PLACE = (
    *("qform_code", "quatern_b", "quatern_c", "quatern_d"),
    *("qoffset_x", "qoffset_y", "qoffset_z"),
    *("sform_code", "srow_x", "srow_y", "srow_z", "pixdim", "xyzt_units"),
)
COMPRESSION = 1
"""Of label maps, which are mostly even: more takes longer and saves little."""


def save_label_image(label: np.ndarray, affine: np.ndarray, folder: str | Path, name: str) -> Path:
    """Write a label map on its own grid, as ``NAME.nii.gz`` for volumes or ``NAME.png``.

    Parameters
    ----------
    label
        Class values, (x, y, z) or (columns, rows).
    affine
        4×4 from voxel indices to RAS+ in mm; pictures have no place in space and keep none.
    folder, name
        Where it goes; the suffix is added.

    Returns
    -------
    The file, which is whole or absent.

    Raises
    ------
    GeometryError
        If it is neither a picture nor a volume, or a class value does not fit a PNG.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_label_image(np.zeros((4, 5, 6)), np.eye(4), folder, "a").name
    'a.nii.gz'
    """
    whole = label.astype(smallest_type(int(label.max(initial=0))))
    if whole.ndim == 3:
        return save_nifti(whole, affine, "mm", Path(folder, f"{name}.nii.gz"))
    if whole.ndim != 2 or whole.dtype != np.uint8:
        raise GeometryError(
            f"{name}: a label map of shape {label.shape} with values up to {label.max()}",
            "volumes go into NIfTI; pictures of up to 255 classes into PNG",
        )
    path = Path(folder, f"{name}.png")
    with written_whole(path) as part:
        Image.fromarray(whole.T).save(part)
    return path


def write_nifti(case: SegmentedCase, folder: Path) -> list[Path]:
    """Write ``NAME.nii.gz``: class values on the source's own grid, affine and all."""
    path = Path(folder, f"{case.name}.nii.gz")
    return [save_nifti(case.label, case.affine, _unit(case), path, like=case.address)]


def write_png(case: SegmentedCase, folder: Path) -> list[Path]:
    """Write ``NAME.png``: the class values of a picture as grey values.

    Raises
    ------
    GeometryError
        If the case is a volume.
    """
    if case.label.ndim != 2:
        raise GeometryError(
            f"{case.name}: a volume, which is no PNG picture", "choose nifti, nrrd or dicomseg"
        )
    return [save_label_image(case.label, case.affine, folder, case.name)]


def write_probabilities(case: SegmentedCase, folder: Path) -> list[Path]:
    """Write ``NAME_probabilities.nii.gz``, where they were asked for.

    It is (x, y, z, classes) in float32, the smallest floating type that NIfTI has, on the
    source's own grid; a picture has one slice.
    """
    if case.probabilities is None:
        return []
    last = np.moveaxis(case.probabilities.astype(np.float32), 0, -1)
    volume = last.reshape(*case.label.shape[:2], -1, last.shape[-1])
    path = Path(folder, f"{case.name}_probabilities.nii.gz")
    return [save_nifti(volume, case.affine, _unit(case), path, like=case.address)]


def write_uncertainty(case: SegmentedCase, folder: Path) -> list[Path]:
    """Write ``NAME_uncertainty.nii.gz``, from 0 to 1 in float32, where it was asked for."""
    if case.uncertainty_map is None:
        return []
    path = Path(folder, f"{case.name}_uncertainty.nii.gz")
    values = case.uncertainty_map.astype(np.float32)
    return [save_nifti(values, case.affine, _unit(case), path, like=case.address)]


def _unit(case: SegmentedCase) -> str:
    return "mm" if case.has_spacing else "unknown"


def save_nifti(
    values: np.ndarray, affine: np.ndarray, unit: str, path: Path, like: str | None = None
) -> Path:
    """Write an image (x, y[, z]) whose RAS+ affine is in ``unit`` ("mm" or "unknown").

    Where it lies on the grid of another image, the address ``like``, and that is NIfTI, its place
    is stored just as there (qform, sform, both codes, unit), so that it lies on it in every
    program: they differ in which of the two they take, and in what they make of the code 0.
    """
    image = nib.Nifti1Image(in_order(values, "F"), np.asarray(affine, dtype=float))
    image.header.set_xyzt_units(unit)
    if like is not None and Source.of(like).kind == "nifti":
        # A scan that is gone meanwhile leaves the affine alone.
        with contextlib.suppress(OSError, ImageFileError):
            image = _placed_as(image, nib.load(Source.of(like).path).header)
    # Without a name and a time in it, the same label map is the same file.
    with (
        written_whole(path) as part,
        part.open("wb") as file,
        igzip.IGzipFile("", "wb", COMPRESSION, file, mtime=0) as stream,
    ):
        image.to_stream(stream)
    return path


def _placed_as(image: nib.Nifti1Image, header: Any) -> nib.Nifti1Image:
    """Return an image with the place in space that a header says, in its own words."""
    kind = nib.Nifti2Image if isinstance(header, nib.Nifti2Header) else nib.Nifti1Image
    placed = kind(image.dataobj, None)
    placed.header.set_data_dtype(image.get_data_dtype())
    for name in _PLACE:
        placed.header[name] = header[name]
    return placed


def smallest_type(largest: int) -> type[np.unsignedinteger[Any]]:
    """Return the smallest unsigned integer type that holds ``largest``.

    >>> smallest_type(104).__name__, smallest_type(300).__name__
    ('uint8', 'uint16')
    """
    return next(kind for kind in (np.uint8, np.uint16, np.uint32) if largest <= np.iinfo(kind).max)


def write_structures(case: SegmentedCase, folder: Path) -> list[Path]:
    """Write ``NAME_structures/STRUCTURE.png`` for each structure: 255 where it is, else 0.

    Raises
    ------
    GeometryError
        If the case is a volume.
    """
    if case.label.ndim != 2:
        raise GeometryError(
            f"{case.name}: a volume, whose structures are no pictures",
            "choose nifti, nrrd or dicomseg",
        )
    names = unique_names([one.name for one in case.labels[1:]])
    return [
        save_label_image(
            255 * (case.label == one.value).astype(np.uint8),
            case.affine,
            folder / f"{case.name}_structures",
            name,
        )
        for one, name in zip(case.labels[1:], names, strict=True)
    ]
