"""The formats that a prediction is written in, by name."""

from collections.abc import Callable, Sequence
from pathlib import Path

from lamina.errors import ConfigError
from lamina.readers.source import Source
from lamina.writers.dicom_seg import write_dicom_seg
from lamina.writers.label_files import write_nifti, write_png, write_probabilities, write_structures
from lamina.writers.nrrd import write_nrrd
from lamina.writers.segmented_case import PredictedCase

FORMATS: dict[str, Callable[[PredictedCase, Path], list[Path]]] = {
    "nifti": write_nifti,
    "png": write_png,
    "structures": write_structures,
    "nrrd": write_nrrd,
    "dicomseg": write_dicom_seg,
    "probabilities": write_probabilities,
}
"""Each writes a case into a folder and returns the files, which are whole or absent."""


def default_formats(address: str, dims: int) -> list[str]:
    """Return what a source is written as where nothing else is asked for.

    Parameters
    ----------
    address
        The source.
    dims
        Axes of its image: 2 for a picture, 3 for a volume.

    Examples
    --------
    >>> default_formats("scan.nii.gz", 3), default_formats("photo.png", 2)
    (['nifti'], ['png'])
    """
    own = "nifti" if dims == 3 else "png"
    return [own, "dicomseg"] if Source.of(address).kind is None else [own]


def check_formats(names: Sequence[str]) -> None:
    """Raise ``ConfigError`` for a format that nothing writes.

    >>> check_formats(["nifti", "dcmseg"])
    Traceback (most recent call last):
        ...
    lamina.errors.ConfigError: formats: nothing writes 'dcmseg'
      → choose from nifti, png, structures, nrrd, dicomseg, probabilities
    """
    for name in names:
        if name not in FORMATS:
            raise ConfigError(
                f"formats: nothing writes {name!r}", f"choose from {', '.join(FORMATS)}"
            )
