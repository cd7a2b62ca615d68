"""Every case of a data set read once: what its image and its label hold."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Orientation
from numpy.typing import NDArray
from scipy import ndimage

from lamina.cases.case import Case
from lamina.errors import GeometryError, LaminaError, reading
from lamina.files import read_json
from lamina.planning.duplicates import similarity_vector
from lamina.planning.flipped import mirror_losses
from lamina.planning.ignored import looks_ignored
from lamina.planning.misfit import describe_misfit
from lamina.planning.survey import CaseSurvey, Structure, Survey, Thumbnail, Unusable
from lamina.planning.thumbnails import make_thumbnail
from lamina.readers.dicom_file import read_header
from lamina.readers.grid import Grid
from lamina.readers.images import read_grid, read_image, read_label
from lamina.readers.label_values import threshold_values
from lamina.readers.pictures import open_picture
from lamina.readers.source import Source

SAMPLES = 20_000
"""Intensities of a case that are kept for the percentiles of the data set."""


def survey_cases(
    cases: Iterable[Case],
    background: int = 0,
    ignore: int | None = None,
    threshold: float | None = None,
) -> Survey:
    """Read every labelled case once.

    Parameters
    ----------
    cases
        Those without a label are left out.
    background
        The value of label files that is no structure.
    ignore
        The value that nobody annotated; None where all is annotated.
    threshold
        From which value on masks hold their one structure, None where they hold values.
    """
    values = None if threshold is None else threshold_values(threshold)
    surveyed: list[CaseSurvey] = []
    unusable: list[Unusable] = []
    for case in cases:
        if case.label is None:
            continue
        try:
            surveyed.append(_survey(case, case.label, background, ignore, values))
        except LaminaError as error:
            unusable.append(Unusable(case, str(error), _image_alone(case)))
    return Survey(tuple(surveyed), tuple(unusable))


def _survey(
    case: Case,
    label_path: str,
    background: int,
    ignore: int | None,
    values: Mapping[str, int | str] | None,
) -> CaseSurvey:
    _require_same_grid(case, label_path)
    image, grid = read_image(case.image)
    label, label_grid = read_label(label_path, values)
    _require_fit(case, grid, label_grid)
    thumbnail = make_thumbnail(image, label, grid)
    orientation = "".join(nib.orientations.aff2axcodes(grid.affine)) if image.ndim == 3 else ""
    image, label, spacing = to_ras(image, label, grid)
    return CaseSurvey(
        case,
        source_of(case.image),
        orientation,
        label.shape,
        spacing,
        grid.voxel_size,
        grid.unit,
        hashlib.blake2b(image.tobytes(), digest_size=16).hexdigest(),
        _sampled(image[(label != background) & (label != ignore)]),
        _sampled(image[label == background]),
        _sampled(image.ravel()),
        structures_in(label, background, ignore),
        values_between(np.where(label == ignore, background, label)),
        edge_value(label, ignore),
        similarity_vector(image),
        mirror_losses(image, np.where(label == ignore, background, label)),
        None if ignore is not None else looks_ignored(label, background),
        specks(label),
        patient_of(case.image),
        thumbnail,
    )


def _require_same_grid(case: Case, label_path: str) -> None:
    """Compare headers before anything is read: a label may be much larger than its image."""
    if not Source.of(label_path).is_dicom:
        _require_fit(case, read_grid(case.image), read_grid(label_path))


def _require_fit(case: Case, grid: Grid, label_grid: Grid) -> None:
    misfit = describe_misfit(label_grid, grid)
    if misfit:
        raise GeometryError(
            f"{case.label}: not on the grid of {case.image}: {misfit}",
            "export the mask again on its image, or let --fix bring it there",
        )


def _image_alone(case: Case) -> Thumbnail | None:
    """Return the thumbnail of a case whose label can't be used, None if its image can't either."""
    try:
        image, grid = read_image(case.image)
    except LaminaError:
        return None  # the reason stands beside the case already
    return make_thumbnail(image, np.zeros(image.shape, np.int32), grid)


def to_ras(
    image: NDArray[np.float32], label: NDArray[np.int32], grid: Grid
) -> tuple[NDArray[np.float32], NDArray[np.int32], tuple[float, ...]]:
    """Return an image and its label with the axes of volumes in RAS+ order, and their spacing."""
    if image.ndim == 2:
        return image, label, grid.spacing
    both = torch.from_numpy(np.stack([image, label.astype(np.float32)]))
    turned: Any = Orientation("RAS", labels=None)(
        MetaTensor(both, affine=torch.from_numpy(grid.affine))
    )
    spacing = np.linalg.norm(np.asarray(turned.affine)[:3, :3], axis=0)
    values = turned.numpy()
    return values[0], values[1].astype(np.int32), tuple(float(step) for step in spacing)


def _sampled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    step = max(len(values) // SAMPLES, 1)
    return values[::step].copy()


COLOURED = 12
"""Grey levels by which the channels of a picture must differ somewhere to be called colours."""


def source_of(address: str) -> str:
    """Return "NIfTI", "DICOM MR", "picture, colour" or the like for an image that can be read."""
    if Source.of(address).is_dicom:
        header = read_header(Source.of(address).slices[0].path, "Modality")
        return f"DICOM {header.get('Modality', '')}".strip()
    kind = Source.of(address).kind
    if kind == "picture":
        colour = _has_colours(Source.of(address).path)
        return "picture, colour" if colour else "picture, grey"
    return "NIfTI" if kind == "nifti" else "NRRD or MetaImage"


def patient_of(address: str) -> str:
    """Return a hash of the PatientID of a DICOM series, "" for what has none."""
    if not Source.of(address).is_dicom:
        return ""
    path = Source.of(address).slices[0].path
    header = read_header(path, "PatientID")
    identity = str(header.get("PatientID") or "").strip()
    return hashlib.blake2b(identity.encode(), digest_size=8).hexdigest() if identity else ""


def _has_colours(path: Path) -> bool:
    with open_picture(path) as picture:
        if picture.mode not in ("RGB", "RGBA", "P"):
            return False
        small = np.asarray(picture.convert("RGB").resize((64, 64)), dtype=int)
    return bool(np.ptp(small, axis=-1).max() > COLOURED)


def stated_modality(root: Path) -> str:
    """Return what ``dataset.json`` calls the images' modality, "" where it says nothing.

    The Decathlon writes "modality", nnU-Net "channel_names".

    >>> stated_modality(Path("/nowhere"))
    ''
    """
    path = root / "dataset.json"
    if not path.is_file():
        return ""
    with reading(path, "not the description of a data set"):
        content = read_json(path)
        stated = content.get("modality") or content.get("channel_names") or {}
    return ", ".join(map(str, stated.values())) if isinstance(stated, dict) else str(stated)


def structures_in(
    label: NDArray[np.int32], background: int, ignore: int | None = None
) -> Mapping[int, Structure]:
    """Return each value of a label but the background, and what it covers.

    >>> structures_in(np.array([[0, 3, 0], [0, 3, 3]], dtype=np.int32), 0)[3].voxels
    3
    """
    values = np.unique(label)
    return {
        int(value): _structure(label == value)
        for value in values
        if value not in (background, ignore)
    }


def _structure(mask: NDArray[np.bool_]) -> Structure:
    (box,) = ndimage.find_objects(mask.astype(np.uint8))
    corner = [side.start for side in box]
    centre = np.add(ndimage.center_of_mass(mask[box]), corner) / mask.shape
    return Structure(int(mask.sum()), int(ndimage.label(mask[box])[1]), tuple(centre.tolist()))


def edge_value(label: NDArray[np.int32], ignore: int | None = None) -> int | None:
    """Return the most frequent value on the sides of a picture, or of each slice; None if all are ignored."""
    plane = np.concatenate(
        [label[0].ravel(), label[-1].ravel(), label[:, 0].ravel(), label[:, -1].ravel()]
    )
    values, counts = np.unique(plane[plane != ignore], return_counts=True)
    return int(values[counts.argmax()]) if values.size else None


def values_between(label: NDArray[np.int32]) -> tuple[int, ...]:
    """Return values each of whose voxels lies between a lower and a higher one, as edges do."""
    values = np.unique(label)
    between = []
    for value in values[1:-1]:
        mask = label == value
        inner = ndimage.binary_erosion(mask, border_value=1)
        if not inner.any() and _at_edges(label, mask, int(value)):
            between.append(int(value))
    return tuple(between)


def specks(label: NDArray[np.int32]) -> int:
    """Return how many values but the lowest have no voxel all of whose neighbours hold it too.

    >>> specks(np.array([[0, 0, 3, 9, 9, 9]] * 3))
    1
    """
    alike = ndimage.minimum_filter(label, 3) == ndimage.maximum_filter(label, 3)
    return len(set(np.unique(label)[1:]) - set(np.unique(label[alike])))


def _at_edges(label: NDArray[np.int32], mask: NDArray[np.bool_], value: int) -> bool:
    lower = ndimage.minimum_filter(label, size=3, mode="nearest")[mask] < value
    higher = ndimage.maximum_filter(label, size=3, mode="nearest")[mask] > value
    return bool((lower & higher).mean() > 0.95)
