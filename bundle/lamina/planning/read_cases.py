"""Reading a data set for its survey: each case once."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Orientation
from numpy.typing import NDArray

from lamina.cases import is_dicom_address, read_grid, read_image, read_label
from lamina.cases.case import Case
from lamina.cases.grid import Grid
from lamina.errors import GeometryError, LaminaError
from lamina.planning.agreement import mirror_losses
from lamina.planning.duplicates import thumbnail
from lamina.planning.misfit import describe_misfit
from lamina.planning.source import patient_of, source_of
from lamina.planning.structures import edge_value, structures_in, values_between
from lamina.planning.survey import CaseSurvey, Look, Survey, Unusable

SAMPLES = 20_000
"""Intensities of a case that are kept for the percentiles of the data set."""

LookAt = Callable[[NDArray[np.float32], NDArray[np.int32], Grid], Look]
"""What makes a picture of an image and its label, both on the image's grid."""


def survey_cases(
    cases: Iterable[Case], background: int = 0, look_at: LookAt | None = None
) -> Survey:
    """Read every labelled case once.

    Parameters
    ----------
    cases
        Those without a label are left out.
    background
        The value of label files that is no structure.
    look_at
        Makes what is shown of a case; without it nothing is.
    """
    found: list[CaseSurvey] = []
    unusable: list[Unusable] = []
    for case in cases:
        if case.label is None:
            continue
        try:
            found.append(_survey(case, Path(case.label), background, look_at))
        except LaminaError as error:
            unusable.append(Unusable(case, str(error), _image_alone(case, look_at)))
    return Survey(tuple(found), tuple(unusable))


def _survey(case: Case, label_path: Path, background: int, look_at: LookAt | None) -> CaseSurvey:
    _require_same_grid(case, label_path)
    image, grid = read_image(case.image)
    label, label_grid = read_label(label_path)
    _require_fit(case, grid, label_grid)
    look = look_at(image, label, grid) if look_at else None
    orientation = "".join(nib.orientations.aff2axcodes(grid.affine)) if image.ndim == 3 else ""
    image, label, spacing = _in_ras(image, label, grid)
    return CaseSurvey(
        case,
        source_of(case.image),
        orientation,
        label.shape,
        spacing,
        grid.unit,
        hashlib.blake2b(image.tobytes(), digest_size=16).hexdigest(),
        _sampled(image[label != background]),
        _sampled(image[label == background]),
        _sampled(image.ravel()),
        structures_in(label, background),
        values_between(label),
        edge_value(label),
        thumbnail(image),
        mirror_losses(image, label),
        patient_of(case.image),
        look,
    )


def read_in_ras(case: Case) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Return the image and the label of a labelled case, the axes of volumes in RAS+ order."""
    image, grid = read_image(case.image)
    label, _ = read_label(Path(str(case.label)))
    return _in_ras(image, label, grid)[:2]


def _require_same_grid(case: Case, label_path: Path) -> None:
    """Compare headers before anything is read: a label may be much larger than its image."""
    if not is_dicom_address(str(label_path)):
        _require_fit(case, read_grid(case.image), read_grid(str(label_path)))


def _require_fit(case: Case, grid: Grid, label_grid: Grid) -> None:
    misfit = describe_misfit(label_grid, grid)
    if misfit:
        raise GeometryError(
            f"{case.label}: not on the grid of {case.image}: {misfit}",
            "export the mask again on its image, or let --fix bring it there",
        )


def _image_alone(case: Case, look_at: LookAt | None) -> Look | None:
    """Return what is shown of a case whose label can't be used."""
    if look_at is None:
        return None
    try:
        image, grid = read_image(case.image)
    except LaminaError:
        return None  # the reason stands beside the case already
    return look_at(image, np.zeros(image.shape, np.int32), grid)


def _in_ras(
    image: NDArray[np.float32], label: NDArray[np.int32], grid: Grid
) -> tuple[NDArray[np.float32], NDArray[np.int32], tuple[float, ...]]:
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
