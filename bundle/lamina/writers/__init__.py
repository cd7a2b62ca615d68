"""Label maps as files: NIfTI, PNG, NRRD, DICOM SEG; each is whole or absent."""

from lamina.writers.label_files import save_label_image

__all__ = [
    "save_label_image",
]
