"""DICOM files, packed by gzip or not.

A file is DICOM by its content: the letters DICM after a preamble of 128 bytes (PS3.10), or, as
old writers do it, a data set that starts at once with group 0002 or 0008.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pydicom
from isal import igzip, isal_zlib
from pydicom.dataset import FileDataset

from lamina.errors import ReadError
from lamina.zips import MOST_TIMES

_BARE_STARTS = (b"\x02\x00", b"\x08\x00", b"\x00\x08")
_GZIP, _GZIP_NAME = b"\x1f\x8b", ".dcm.gz"
_MOST_BYTES, _ALWAYS, _STEP = 4_000_000_000, 100_000_000, 1 << 20
_BAD_GZIP: Any = (OSError, EOFError, isal_zlib.error)


def is_dicom(path: Path) -> bool:
    """Tell by its first bytes whether a file is DICOM."""
    with path.open("rb") as file:
        head = file.read(132)
    if head[:2] == _GZIP:
        try:
            with igzip.open(path) as unpacked:
                head = unpacked.read(132)
        except _BAD_GZIP:
            return path.name.lower().endswith(_GZIP_NAME)  # to be named as broken
    return head[128:] == b"DICM" or (len(head) == 132 and head[:2] in _BARE_STARTS)


@contextmanager
def open_dicom(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading; what gzip packed is unpacked into memory, up to a bound.

    Raises
    ------
    ReadError
        If it is not complete, or unpacks to more than 4 GB, or to more than 200 times its size.
    """
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
        file.seek(0)
        yield io.BytesIO(_unpacked(path)) if packed else file


def read_dicom_file(path: Path, **how: Any) -> FileDataset:
    """Return a DICOM file as `pydicom.dcmread` does, with or without a meta header or gzip."""
    with open_dicom(path) as file:
        dataset = pydicom.dcmread(file, force=True, **how)
    dataset.filename = str(path)
    return dataset


def read_header(path: Path, *tags: str) -> FileDataset:
    """Return what stands before the pixels, all of it or these tags."""
    return read_dicom_file(path, stop_before_pixels=True, specific_tags=list(tags) or None)


def _unpacked(path: Path) -> bytes:
    most = min(_MOST_BYTES, max(_ALWAYS, MOST_TIMES * path.stat().st_size))
    content = bytearray()
    try:
        with igzip.open(path) as packed:
            while len(content) <= most and (part := packed.read(_STEP)):
                content += part
    except _BAD_GZIP as error:
        raise ReadError(
            f"{path}: not a complete gzip file ({error})", "copy or export it again"
        ) from error
    if len(content) > most:
        raise ReadError(
            f"{path}: unpacks to more than {most / 1e9:.3g} GB", "unpack it yourself if meant so"
        )
    return bytes(content)
