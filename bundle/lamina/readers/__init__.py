"""From a file or a DICOM series to an array and its grid.

``source``      an image's address, with its slices and the rules they are read by
``images``      the way to read any image or mask, whatever its format
``image_reader``  the same for MONAI's ``LoadImaged``
``grid``        size, place in space, and whether that place is known
``nifti``, ``itk``, ``pictures``, ``dicom``   the formats
``parts``, ``itk_times``, ``time_headers``, ``tiff_stacks``   files that hold several images
``dicom_slices``, ``dicom_frames``   what the header of a file, or of a frame, says of its slice
``dicom_series``   which slices belong together
``dicom_geometry``, ``dicom_rules``   the grid of a series; what is done where slices are missing
``dicom_seg``, ``label_values``   masks
"""

from lamina.readers.dicom_rules import SeriesRules
from lamina.readers.grid import Grid
from lamina.readers.image_reader import CaseReader, LabelReader
from lamina.readers.images import read_grid, read_image, read_label
from lamina.readers.source import Source

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
