"""A folder with one good volume among all that makes parsers raise, wait or fill memory."""

import bz2
import lzma
import os
import tempfile
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np

VOLUME = np.random.default_rng(0).integers(0, 500, (32, 128, 8)).astype(np.int16)
CJK = "漢" * 82 + ".nii.gz"
LATIN_1 = os.fsdecode(b"caf\xe9.nii.gz")


def save(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    # nibabel writes under a name of its own: what is tried here is reading.
    with tempfile.NamedTemporaryFile(suffix=".nii.gz") as file:
        nib.save(nib.Nifti1Image(VOLUME, np.diag([0.06, 0.008, 0.2, 1])), file.name)
        path.write_bytes(Path(file.name).read_bytes())
    return path


def write_any_files(folder):
    """Write what makes parsers raise, each in its own way; return the names of what is no image."""
    content = save(folder / "good.nii.gz").read_bytes()
    bad = bytearray(content)
    bad[2000:2100] = os.urandom(100)
    files = {
        "flipped.nii.gz": bytes(bad),
        "no_deflate.nii.gz": content[:10] + b"\xff" * 500,
        "cut.nii.gz": content[:3000],
        "bomb.nii.gz": zlib.compress(bytes(10**6), wbits=31),
        "lzma.nii": lzma.compress(b"x" * 1000)[:50],
        "bz2.png": bz2.compress(b"x" * 1000)[:30],
        "nested.json.dcm": b"[" * 100_000,
        "preamble": b"\0" * 128 + b"DICM" + b"\xff" * 300,
        "huge_picture.png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
        + b"\x7f\xff\xff\xff" * 2
        + b"\x08\0\0\0\0",
        "empty.mha": b"",
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    os.mkfifo(folder / "pipe.nii.gz")
    os.mkfifo(folder / "pipe")
    for name, target in (("zero.png", "/dev/zero"), ("zero", "/dev/zero"), ("gone.nii", "/gone")):
        (folder / name).symlink_to(target)
    (folder / "loop.nii").symlink_to(folder / "loop.nii")
    return {*files, "pipe.nii.gz", "pipe", "zero.png", "zero", "gone.nii", "loop.nii"}
