"""What the images below a folder are, from their headers alone."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamina.cases.case import Case
from lamina.errors import LaminaError, reading
from lamina.readers.grid import format_size
from lamina.readers.images import read_grid
from lamina.readers.source import Source

_PLANES = ("sagittal", "coronal", "axial")
_OBLIQUE = 0.9


@dataclass(frozen=True)
class Scanned:
    """One image: its name and address, and what its header says.

    ``kind`` is DICOM or a format; ``date`` that of the series, else of the study, in ISO form;
    ``plane`` is that of the slices (axial, coronal, sagittal,
    oblique), empty for pictures. ``problem`` says why it can't be used, empty where it can.
    """

    name: str
    address: str
    kind: str
    modality: str = ""
    description: str = ""
    date: str = ""
    size: str = ""
    spacing: str = ""
    plane: str = ""
    files: tuple[str, ...] = ()
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def scan_cases(cases: Sequence[Case]) -> list[Scanned]:
    """Return what each case is; one that can't be used has a problem."""
    return [scan_case(case) for case in cases]


def scan_case(case: Case) -> Scanned:
    """Return what one case is, from its header."""
    source = Source.of(case.image)
    about: dict[str, Any] = {"kind": source.kind or "DICOM"}
    try:
        with reading(source):
            about |= _files_and_modality(source)
        grid = read_grid(source)
        unit = grid.unit if grid.unit == "px" else "mm"
        about |= {
            "size": format_size(grid.shape),
            "spacing": "" if unit == "px" else " × ".join(f"{s:.4g}" for s in grid.spacing),
            "plane": plane_of(grid.affine) if len(grid.shape) == 3 else "",
        }
    except LaminaError as error:
        about["problem"] = " ".join(str(error).split())
    return Scanned(case.name, case.image, **about)


def plane_of(affine: NDArray[np.floating]) -> str:
    """Return the plane of a volume's slices, which lie along its last axis.

    >>> plane_of(np.diag([1.0, 1.0, 5.0, 1.0])), plane_of(np.eye(4)[:, [1, 2, 0, 3]])
    ('axial', 'sagittal')
    """
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    normal = np.abs(normal / np.linalg.norm(normal))
    return _PLANES[int(normal.argmax())] if normal.max() >= _OBLIQUE else "oblique"


def _files_and_modality(source: Source) -> dict[str, Any]:
    files = tuple(map(str, source.files))
    if not source.is_dicom:
        return {"files": files}
    first = min(source.slices, key=lambda one: one.path)
    return {
        "files": files,
        "modality": first.modality,
        "description": first.description,
        "date": first.date,
    }
