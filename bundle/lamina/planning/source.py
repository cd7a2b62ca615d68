"""What kind of image a case has: its format, and what the file says of how it was made."""

import hashlib
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image

from lamina.cases import dicom_slices, is_dicom_address
from lamina.cases.formats import format_of
from lamina.files import read_json

COLOURED = 12
"""Grey levels by which the channels of a picture must differ somewhere to be called colours."""


def source_of(address: str) -> str:
    """Return "NIfTI", "DICOM MR", "picture, colour" or the like for an image that can be read."""
    if is_dicom_address(address):
        header = pydicom.dcmread(
            dicom_slices(address)[0].path, specific_tags=["Modality"], stop_before_pixels=True
        )
        return f"DICOM {header.get('Modality', '')}".strip()
    kind = format_of(Path(address))
    if kind == "picture":
        return "picture, colour" if _has_colours(Path(address)) else "picture, grey"
    return "NIfTI" if kind == "nifti" else "NRRD or MetaImage"


def patient_of(address: str) -> str:
    """Return a hash of the PatientID of a DICOM series, "" for what has none."""
    if not is_dicom_address(address):
        return ""
    path = dicom_slices(address)[0].path
    header = pydicom.dcmread(path, specific_tags=["PatientID"], stop_before_pixels=True)
    identity = str(header.get("PatientID") or "").strip()
    return hashlib.blake2b(identity.encode(), digest_size=8).hexdigest() if identity else ""


def _has_colours(path: Path) -> bool:
    with Image.open(path) as picture:
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
    content = read_json(path)
    stated = content.get("modality") or content.get("channel_names") or {}
    return ", ".join(map(str, stated.values())) if isinstance(stated, dict) else str(stated)
