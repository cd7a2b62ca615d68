"""From a file or a DICOM series to an array and its grid.

``source``      an image's address, with its slices and the rules they are read by
``images``      the way to read any image or mask, whatever its format
``image_reader``  the same for MONAI's ``LoadImaged``
``grid``        size, place in space, and whether that place is known
``nifti``, ``itk``, ``pictures``, ``dicom``   the formats
``parts``, ``itk_times``, ``time_headers``, ``tiff_stacks``   files that hold several images
``dicom_file``  DICOM files, packed or not
``dicom_slices``, ``dicom_frames``   what the header of a file, or of a frame, says of its slice
``dicom_groups``   the same of frames, quickly
``dicom_spacing``, ``dicom_values``   sizes in mm; grey values of what is stored
``dicom_series``   which slices belong together
``dicom_geometry``, ``dicom_rules``   the grid of a series; what is done where slices are missing
``dicom_seg``, ``label_values``   masks
"""

from typing import TYPE_CHECKING, Any

from lamina.readers.dicom_rules import SeriesRules
from lamina.readers.grid import Grid
from lamina.readers.images import read_grid, read_image, read_label
from lamina.readers.source import Source

if TYPE_CHECKING:
    from lamina.readers.image_reader import CaseReader, LabelReader

__all__ = [
    "CaseReader",
    "Grid",
    "LabelReader",
    "SeriesRules",
    "Source",
    "read_grid",
    "read_image",
    "read_label",
]


def __getattr__(name: str) -> Any:
    """Import MONAI's readers when they are asked for: MONAI takes seconds, a header does not."""
    if name not in ("CaseReader", "LabelReader"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lamina.readers import image_reader

    return getattr(image_reader, name)
