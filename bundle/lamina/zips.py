"""Zip files as folders, unpacked with care."""

import zipfile
import zlib
from pathlib import Path

from lamina.errors import ReadError

MOST_GB = 50.0
MOST_TIMES = 200
MOST_FILES = 100_000


def unpacked(path: Path, room: Path, most_gb: float = MOST_GB) -> Path:
    """Return ``path`` itself, or the folder below ``room`` that a zip was unpacked into.

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
    try:
        with zipfile.ZipFile(path) as archive:
            _check(path, archive, most_gb)
            archive.extractall(room)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError) as error:
        raise ReadError(f"{path}: a broken zip ({error})", "pack or copy it again") from error
    return room


def _check(path: Path, archive: zipfile.ZipFile, most_gb: float) -> None:
    size = sum(one.file_size for one in archive.infolist())
    packed = max(sum(one.compress_size for one in archive.infolist()), 1)
    if size > most_gb * 1e9 or (size > 1e8 and size > MOST_TIMES * packed):
        raise ReadError(
            f"{path}: unpacks to {size / 1e9:.3g} GB from {packed / 1e9:.3g} GB",
            f"unpack it yourself if it is meant so (at most {most_gb:g} GB are unpacked)",
        )
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
