"""Which format a file has, by its suffix, and its name without that suffix."""

import os
import stat
from pathlib import Path
from typing import Literal

from lamina.errors import ReadError, reading
from lamina.readers.parts import PART

Format = Literal["nifti", "itk", "picture"]

SUFFIXES: dict[str, Format] = {
    ".nii.gz": "nifti",
    ".nii": "nifti",
    ".seg.nrrd": "itk",
    ".nrrd": "itk",
    ".mha": "itk",
    ".mhd": "itk",
    ".png": "picture",
    ".jpg": "picture",
    ".jpeg": "picture",
    ".tif": "picture",
    ".tiff": "picture",
    ".bmp": "picture",
    ".gif": "picture",
    ".jp2": "picture",
    ".j2k": "picture",
    ".pgm": "picture",
    ".ppm": "picture",
    ".pnm": "picture",
}


def suffix_of(path: str | Path) -> str:
    """Return the known suffix of a file name in lower case, or "" where it has none.

    >>> suffix_of("scan.1.NII.GZ"), suffix_of("notes.txt")
    ('.nii.gz', '')
    """
    name = Path(path).name.lower()
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), "")


def format_of(path: str | Path) -> Format | None:
    """Return the format that a file's suffix stands for, or None.

    >>> format_of("a.nii.gz"), format_of("IM0001")
    ('nifti', None)
    """
    return SUFFIXES.get(suffix_of(path))


def stem_of(path: str | Path) -> str:
    """Return a file's name without its known suffix, with the part that its address names.

    >>> stem_of("/data/scan.1.nii.gz"), stem_of("IM0001.7"), stem_of("scan.nii#t:2")
    ('scan.1', 'IM0001.7', 'scan#t:2')
    """
    name = Path(path).name
    file, hash_sign, part = name.rpartition("#")
    if hash_sign and PART.fullmatch(part):
        return f"{stem_of(file)}#{part}"
    return name[: len(name) - len(suffix_of(path))]


def require_file(path: Path, shown: str = "") -> os.stat_result:
    """Refuse what is no file: pipes and devices would be read without an end.

    ``shown`` is what messages call it, the path by default.

    Raises
    ------
    ReadError
        With what it is instead.

    Examples
    --------
    >>> require_file(Path("/dev/zero"))
    Traceback (most recent call last):
        ...
    lamina.errors.ReadError: /dev/zero: a device, expected a file
    """
    shown = shown or str(path)
    with reading(shown):
        try:
            found = path.stat()
        except FileNotFoundError as error:
            what = "a link that leads nowhere" if path.is_symlink() else "no such file or folder"
            raise ReadError(f"{shown}: {what}") from error
    if stat.S_ISREG(found.st_mode):
        return found
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFDIR: "a folder"}
    kind = kinds.get(stat.S_IFMT(found.st_mode), "a device")
    raise ReadError(f"{shown}: {kind}, expected a file")
