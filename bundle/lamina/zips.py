"""Zip files as folders, unpacked with care."""

import hashlib
import os
import zipfile
from pathlib import Path

from lamina.errors import ReadError, reading

MOST_GB = 50.0
MOST_TIMES = 200
MOST_FILES = 100_000
_LONGEST_BYTES = 255


def unpacked(path: Path, room: Path, most_gb: float = MOST_GB) -> Path:
    """Return ``path`` itself, or the folder below ``room`` that a zip was unpacked into.

    It is called as the zip, and so are the images at its root, whatever ``room`` is called.

    Parameters
    ----------
    path
        A file or folder.
    room
        An empty folder, which the caller removes.
    most_gb
        Largest size that is unpacked, in GB.

    Raises
    ------
    ReadError
        If the zip is broken, too large, of too many files, packed more than 200 times (a bomb), or leads elsewhere.
    """
    if not (path.is_file() and zipfile.is_zipfile(path)):
        return path
    with reading(path, "a broken zip"), zipfile.ZipFile(path) as archive:
        _check(path, archive, most_gb)
        for one in archive.infolist():
            one.filename = "/".join(map(_short, one.filename.split("/")))
            archive.extract(one, room / path.stem)
    return room / path.stem


def _short(name: str) -> str:
    """Return a name that a file system takes; of a long one its end and a hash of all of it."""
    encoded = os.fsencode(name)
    if len(encoded) <= _LONGEST_BYTES:
        return name
    end = encoded[-_LONGEST_BYTES // 2 :].decode(errors="ignore")
    return f"{hashlib.sha256(encoded).hexdigest()[:8]}_{end}"


def refuse_bomb(path: Path, size: int, packed: int, most_gb: float) -> None:
    """Refuse what unpacks to more than ``most_gb``, or is packed more than 200 times.

    Raises
    ------
    ReadError
        With both sizes.

    Examples
    --------
    >>> refuse_bomb(Path("a.zip"), 10**6, 10, most_gb=1)
    >>> refuse_bomb(Path("a.zip"), 10**9, 10**6, most_gb=1)
    Traceback (most recent call last):
        ...
    lamina.errors.ReadError: a.zip: unpacks to 1 GB from 0.001 GB
      → unpack it yourself if it is meant so (at most 1 GB are unpacked)
    """
    if size > most_gb * 1e9 or (size > 1e8 and size > MOST_TIMES * max(packed, 1)):
        raise ReadError(
            f"{path}: unpacks to {size / 1e9:.3g} GB from {packed / 1e9:.3g} GB",
            f"unpack it yourself if it is meant so (at most {most_gb:g} GB are unpacked)",
        )


def _check(path: Path, archive: zipfile.ZipFile, most_gb: float) -> None:
    size = sum(one.file_size for one in archive.infolist())
    refuse_bomb(path, size, sum(one.compress_size for one in archive.infolist()), most_gb)
    if len(archive.infolist()) > MOST_FILES:
        raise ReadError(
            f"{path}: {len(archive.infolist())} files, at most {MOST_FILES} are unpacked",
            "unpack it yourself if it is meant so",
        )
    outside = [
        one.filename
        for one in archive.infolist()
        if one.filename.startswith(("/", "\\")) or ".." in Path(one.filename).parts
    ]
    if outside:
        raise ReadError(f"{path}: {outside[0]!r} leads out of the zip", "do not trust this file")
