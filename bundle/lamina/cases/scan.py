"""What the images below a folder are, from their headers alone."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray

from lamina.cases.case import Case
from lamina.errors import LaminaError
from lamina.readers.address import split_address
from lamina.readers.dicom import series_slices
from lamina.readers.formats import format_of
from lamina.readers.grid import format_size
from lamina.readers.images import is_dicom_address, read_grid
from lamina.readers.itk import data_file

_PLANES = ("sagittal", "coronal", "axial")
_OBLIQUE = 0.9


@dataclass(frozen=True)
class Scanned:
    """One image: its name and address, and what its header says.

    ``kind`` is DICOM or a format; ``plane`` is that of the slices (axial, coronal, sagittal,
    oblique), empty for pictures. ``problem`` says why it can't be used, empty where it can.
    """

    name: str
    address: str
    kind: str
    modality: str = ""
    description: str = ""
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
    about: dict[str, Any] = {"kind": format_of(Path(case.image)) or "DICOM"}
    try:
        about |= _files_and_modality(case.image)
        grid = read_grid(case.image)
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


def _files_and_modality(address: str) -> dict[str, Any]:
    if not is_dicom_address(address):
        path = Path(address)
        data = data_file(path) if format_of(path) == "itk" and path.is_file() else None
        return {"files": tuple(str(one) for one in (path, data) if one)}
    slices = series_slices(*split_address(address))
    files = tuple(dict.fromkeys(str(one.path) for one in slices))
    tags = ["Modality", "SeriesDescription"]
    header = pydicom.dcmread(files[0], stop_before_pixels=True, force=True, specific_tags=tags)
    return {
        "files": files,
        "modality": str(header.get("Modality") or ""),
        "description": str(header.get("SeriesDescription") or ""),
    }
