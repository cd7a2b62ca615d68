"""Training data for a second task: images and labels cropped to the regions of a first one."""

from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamina.cases.case import Case
from lamina.cases.find import find_cases
from lamina.cases.regions import MARGIN, Box, outside_value, region_box, region_file, without_holes
from lamina.errors import DataError, LaminaError
from lamina.files import written_whole
from lamina.readers.grid import Grid, format_size
from lamina.readers.images import read_image, read_label

_LARGEST_IN_PNG = 65535


def crop_dataset(
    dataset_dir: Path, regions: Path, target: Path, margin: float = MARGIN
) -> Iterator[tuple[str, str | None]]:
    """Write each labelled case cropped to its region; yield its name and why it is left out, or None.

    Pictures become PNG of 8 or 16 bits, volumes NIfTI with the affine of the crop; voxels outside
    the region get the image's smallest value, and no label.

    Parameters
    ----------
    dataset_dir
        Images and labels, in any layout that `lamina.cases.find_cases` reads.
    regions
        Label images that are named after the cases, as ``lamina predict`` writes them.
    target
        Gets ``images/`` and ``masks/``.
    margin
        Fraction of a region's own extent that is kept around it on each side.

    Raises
    ------
    DataError
        If there are no labelled cases.
    """
    cases = find_cases(dataset_dir).labelled
    if not cases:
        raise DataError(f"{dataset_dir}: no labelled case", "give images with their labels")
    for case in cases:
        try:
            _crop_case(case, region_file(regions, case.name), target, margin)
            yield case.name, None
        except LaminaError as error:
            yield case.name, str(error).replace("\n  → ", ": ")


def _crop_case(case: Case, region_path: Path, target: Path, margin: float) -> None:
    image, grid = read_image(case.image)
    label, label_grid = read_label(Path(str(case.label)))
    region, region_grid = read_label(region_path)
    for name, other in (("label", label_grid), ("region", region_grid)):
        if other.shape != grid.shape:
            raise DataError(
                f"its {name} has {format_size(other.shape)} voxels, the image "
                f"{format_size(grid.shape)}",
                "give label images on the image's own grid",
            )
    inside = without_holes(region > 0)
    box = region_box(inside, margin)
    image = np.where(inside, image, outside_value(image))[box]
    for folder, values in (("images", image), ("masks", np.where(inside, label, 0)[box])):
        _save(values, grid, box, target / folder / case.name)


def _png_type(values: NDArray) -> type[np.uint8] | type[np.uint16]:
    """Return the type of PNG that holds a picture's values; raise DataError if none does."""
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > _LARGEST_IN_PNG or (values != np.rint(values)).any():
        raise DataError(
            f"its values from {low:g} to {high:g} are not integers from 0 to "
            f"{_LARGEST_IN_PNG}, as a PNG holds",
            "convert it to a picture of 8 or 16 bits, or to NIfTI",
        )
    return np.uint8 if high < 256 else np.uint16


def _save(values: NDArray, grid: Grid, box: Box, stem: Path) -> None:
    """Write a cropped image: PNG where it is a picture, else NIfTI."""
    if values.ndim == 2 and grid.unit == "px":
        kind = _png_type(values)
        with written_whole(stem.with_name(f"{stem.name}.png")) as part:
            Image.fromarray(values.astype(kind).T).save(part)
        return
    affine = grid.affine.copy()
    start = [*(side.start for side in box), *[0] * (3 - len(box))]
    affine[:3, 3] += grid.affine[:3, :3] @ np.array(start)
    whole = np.issubdtype(values.dtype, np.integer)
    volume = nib.Nifti1Image(values.astype(np.int32 if whole else np.float32), affine)
    volume.header.set_xyzt_units("mm" if grid.unit == "mm" else "unknown")
    with written_whole(stem.with_name(f"{stem.name}.nii.gz")) as part:
        volume.to_filename(part)
