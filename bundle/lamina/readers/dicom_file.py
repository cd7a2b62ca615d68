"""DICOM files, packed by gzip or not, opened within bounds and under the one guard.

A file is DICOM by its content: the letters DICM after a preamble of 128 bytes (PS3.10), or, as
old writers do it, a data set that starts at once with group 0002 or 0008.
"""

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pydicom
from isal import igzip, isal_zlib
from pydicom.dataset import FileDataset
from pydicom.filereader import read_preamble
from pydicom.uid import DeflatedExplicitVRLittleEndian

from lamina.errors import ReadError, reading
from lamina.zips import refuse_bomb

_BARE_STARTS = (b"\x02\x00", b"\x08\x00", b"\x00\x08")
_GZIP, _GZIP_NAME = b"\x1f\x8b", ".dcm.gz"
_MOST_GB_PACKED, _MOST_GB = 4.0, 1.0
"""Largest file that gzip packed, and largest deflated data set: both are unpacked in memory."""
_BAD_GZIP: Any = (OSError, EOFError, isal_zlib.error)
_META = 65536
_SYNTAX_TAG = b"\x02\x00\x10\x00"
_STEP = 1 << 24


def is_dicom(path: Path) -> bool:
    """Tell by its first bytes whether a file is DICOM.

    Raises
    ------
    ReadError
        If it can't be read.
    """
    with reading(path), path.open("rb") as file:
        head = file.read(132)
    if head[:2] == _GZIP:
        try:
            with igzip.open(path) as unpacked:
                head = unpacked.read(132)
        except _BAD_GZIP:
            return path.name.lower().endswith(_GZIP_NAME)  # to be named as broken
    return head[128:] == b"DICM" or (len(head) == 132 and head[:2] in _BARE_STARTS)


def is_packed(path: Path) -> bool:
    """Tell whether gzip packed a file."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP


@contextmanager
def open_dicom(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading; what gzip packed is unpacked into memory, up to a bound.

    Raises
    ------
    ReadError
        If it is not complete, or unpacks beyond a bound: to more than 4 GB, a deflated data set
        to more than 1 GB, or to more than 200 times its size.
    """
    with path.open("rb") as stored:
        file = io.BytesIO(_unpacked(path)) if stored.read(2) == _GZIP else stored
        file.seek(0)
        _refuse_deflate_bomb(path, file)
        file.seek(0)
        yield file


def read_dicom_file(
    path: Path, what: str = "its DICOM header can't be read", **how: Any
) -> FileDataset:
    """Return a DICOM file as `pydicom.dcmread` does, with or without a meta header or gzip.

    Parameters
    ----------
    path
        The file.
    what
        What is wrong with it, if pydicom does not take it.
    how
        As ``dcmread`` takes it.

    Raises
    ------
    ReadError
        If it is broken, nested too deep, or unpacks beyond a bound.
    """
    with reading(path, what), open_dicom(path) as file:
        dataset = pydicom.dcmread(file, force=True, **how)
    dataset.filename = str(path)
    return dataset


def read_header(path: Path, *tags: str | int) -> FileDataset:
    """Return what stands before the pixels, all of it or these tags; raises ``ReadError``."""
    return read_dicom_file(path, stop_before_pixels=True, specific_tags=list(tags) or None)


def _unpacked(path: Path) -> bytes:
    content, size = bytearray(), path.stat().st_size
    with reading(path, "not a complete gzip file"), igzip.open(path) as packed:
        while part := packed.read(_STEP):
            content += part
            refuse_bomb(path, len(content), size, _MOST_GB_PACKED)
    return bytes(content)


def _refuse_deflate_bomb(path: Path, file: BinaryIO) -> None:
    """Refuse a deflated data set that is too large: pydicom unpacks it whole, without a limit."""
    head = file.read(_META)
    unclear = head[128:132] == b"DICM" and _SYNTAX_TAG not in head
    if DeflatedExplicitVRLittleEndian.encode() not in head and not unclear:
        return
    file.seek(0)
    read_preamble(file, force=True)
    meta = pydicom.filereader._read_file_meta_info(file)
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return
    packed = file.read()
    inflater, size, rest = zlib.decompressobj(-zlib.MAX_WBITS), 0, packed
    while rest and not inflater.eof:
        size += len(inflater.decompress(rest, _STEP))
        refuse_bomb(path, size, len(packed), _MOST_GB)
        rest = inflater.unconsumed_tail
    if not inflater.eof:
        raise ReadError(f"{path}: its deflated data ends too early", "copy or export it again")
