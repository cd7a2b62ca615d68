"""What a client sent, as an image on disk that is safe to read.

A client's file name is only shown, never a path: what is stored is called ``image`` and a suffix
that Lamina knows.
"""

import contextlib
import math
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom.filereader import read_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian

from lamina.cases.case import safe_name
from lamina.cases.inputs import find_inputs
from lamina.errors import LaminaError, ReadError, WriteError, find_cause
from lamina.readers.formats import format_of, stem_of, suffix_of
from lamina.readers.grid import format_size
from lamina.readers.images import read_grid
from lamina.web.settings import Limits
from lamina.zips import unpacked

# By their first bytes, for files whose name has no suffix.
_BEGINNINGS = {
    b"\x89PNG": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"BM": ".bmp",
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
    b"\x1f\x8b": ".nii.gz",
}


@dataclass(frozen=True)
class Upload:
    """An image that a client sent: where it lies, what it and its case are called, its size."""

    address: str
    shown: str
    name: str
    shape: tuple[int, ...]

    @property
    def is_volume(self) -> bool:
        """Whether it takes longer than a request should."""
        return len(self.shape) == 3 and self.shape[2] > 1


def store(files: Sequence[tuple[str, BinaryIO]], folder: Path) -> Path:
    """Copy (name, content) into an empty folder; return the file, or the folder if they are several."""
    if len(files) == 1:
        return _copy(files[0], folder, "image")
    for number, file in enumerate(files):
        _copy(file, folder / "image", f"{number:05}")
    return folder / "image"


def _copy(named_content: tuple[str, BinaryIO], folder: Path, stem: str) -> Path:
    name, content = named_content
    suffix = suffix_of(name) or _suffix_by_content(content)
    path = folder / f"{stem}{suffix}"
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        shutil.copyfileobj(content, file)
    return path


def _suffix_by_content(content: BinaryIO) -> str:
    start = content.read(132)
    content.seek(0)
    if start[128:] == b"DICM":  # what stands before it may be that of a TIFF
        return ""
    return next((suffix for magic, suffix in _BEGINNINGS.items() if start.startswith(magic)), "")


def open_upload(path: Path, shown: str, limits: Limits) -> Upload:
    """Return the only image in a stored file, zip or folder.

    Parameters
    ----------
    path
        What `store` returned.
    shown
        What the client calls it.
    limits
        How large it may be.

    Raises
    ------
    ReadError
        If there is none or more than one, or it is broken or too large; names it as the client
        does.
    """
    with named(path.parent, shown):
        address = _only_image(path, shown, limits)
        shape = read_grid(address, max_pixels=limits.pixels).shape
        most = limits.voxels if len(shape) == 3 else limits.pixels
        if math.prod(shape) > most:
            raise ReadError(
                f"{shown}: {format_size(shape)} voxels, at most {most} are taken",
                "use `lamina predict` for it",
            )
    return Upload(address, shown, safe_name(stem_of(shown).removesuffix(".zip")), tuple(shape))


def _only_image(path: Path, shown: str, limits: Limits) -> str:
    root = unpacked(path, path.parent / "unpacked", limits.unpacked_gb)
    for file in [root] if root.is_file() else root.rglob("*"):
        if file.is_file():
            _refuse_deflated(file)
    if root.is_file():
        return str(root)
    inputs = find_inputs(root)
    if len(inputs.cases) != 1:
        names = ", ".join(case.name for case in inputs.cases[:5]) or inputs.broken[0][1]
        raise ReadError(
            f"{shown}: {len(inputs.cases)} images ({names}), expected one image or series",
            "send them one by one",
        )
    return inputs.cases[0].image


def _refuse_deflated(path: Path) -> None:
    """Refuse DICOM that is packed as a whole: pydicom would unpack it without a limit."""
    if format_of(path):
        return
    try:
        syntax = read_file_meta_info(path).get("TransferSyntaxUID")
    except Exception:  # noqa: BLE001 - whatever it is, the readers say what is wrong with it
        return
    if syntax == DeflatedExplicitVRLittleEndian:
        raise ReadError(f"{path}: deflated DICOM is not taken here", "export it uncompressed")


@contextlib.contextmanager
def named(folder: Path, shown: str) -> Iterator[None]:
    """Call stored files in messages what the client calls them.

    >>> with named(Path("/tmp/x"), "my scan.png"):
    ...     raise ReadError("/tmp/x/image.png: an empty file")
    Traceback (most recent call last):
        ...
    lamina.errors.ReadError: my scan.png: an empty file
    """
    try:
        yield
    except Exception as error:
        cause = find_cause(error)
        if cause is None:
            raise
        text = re.sub(rf"{re.escape(str(folder))}(/[^/:\s]+)?", lambda _: shown, str(cause))
        kind: type[LaminaError] = WriteError if isinstance(cause, WriteError) else ReadError
        raise kind(text) from error
