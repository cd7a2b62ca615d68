"""A segmented case: what every output is made from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamina.metrics.measure import MeasureSettings
from lamina.readers.grid import Grid
from lamina.tasks.labels import Label


@dataclass(frozen=True)
class SegmentedCase:
    """An image and its label map, both on the source's own grid.

    Parameters
    ----------
    name
        Unique in its run and safe as a file name.
    address
        The source: a file, a folder with one DICOM series, or folder#SeriesInstanceUID.
    image
        Values as read, (c, x, y) or (c, x, y, z).
    label
        Class values, (x, y) or (x, y, z), in the smallest unsigned integer type.
    grid
        That of the source: size, affine to RAS+ space, and whether it is in mm.
    labels
        The task's classes, background first.
    measure
        What the task measures.
    probabilities
        (classes, x, y[, z]), where they were asked for.
    uncertainty_map
        Of the shape of ``label``, from 0 to 1, where it was asked for; see
        `lamina.inference.EnsembleUncertainty`.
    uncertainty
        The one number of the case, from 0 to 1.
    task
        The task's name, where it is known.
    """

    name: str
    address: str
    image: np.ndarray
    label: np.ndarray
    grid: Grid
    labels: tuple[Label, ...]
    measure: MeasureSettings | None = None
    probabilities: np.ndarray | None = None
    uncertainty_map: np.ndarray | None = None
    uncertainty: float | None = None
    task: str | None = None

    @property
    def affine(self) -> NDArray[np.float64]:
        """4×4 from voxel indices to RAS+ space."""
        return self.grid.affine

    @property
    def has_spacing(self) -> bool:
        """Whether the source says how large a voxel is (PNG and JPEG do not)."""
        return self.grid.unit == "mm"


def depth_axis(case: SegmentedCase) -> int | None:
    """Return the axis along which layers lie on each other, None where the task has none."""
    return case.measure.depth_axis if case.measure else None


def spacing_of(case: SegmentedCase) -> list[float]:
    """Return the size of a voxel along each axis, in mm or pixels."""
    return list(case.grid.spacing)
