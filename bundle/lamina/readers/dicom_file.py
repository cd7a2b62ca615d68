"""DICOM files, opened within bounds and under the one guard.

A file is DICOM by its content: the letters DICM after a preamble of 128 bytes (PS3.10), or, as
old writers do it, a data set that starts at once with group 0002 or 0008.
"""

import zlib
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import FileDataset
from pydicom.filereader import read_file_meta_info, read_preamble
from pydicom.uid import DeflatedExplicitVRLittleEndian

from lamina.errors import ReadError, reading
from lamina.zips import refuse_bomb

_BARE_STARTS = (b"\x02\x00", b"\x08\x00", b"\x00\x08")
_MOST_GB = 1.0
"""Largest data set that is unpacked, which is done in memory."""
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
    return head[128:] == b"DICM" or (len(head) == 132 and head[:2] in _BARE_STARTS)


def read_dicom_file(
    path: Path, what: str = "its DICOM header can't be read", **how: Any
) -> FileDataset:
    """Return a DICOM file as `pydicom.dcmread` does, with or without a meta header.

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
    with reading(path, what):
        _refuse_deflate_bomb(path)
        return pydicom.dcmread(path, force=True, **how)


def read_header(path: Path, *tags: str) -> FileDataset:
    """Return what stands before the pixels, all of it or these tags; raises ``ReadError``."""
    return read_dicom_file(path, stop_before_pixels=True, specific_tags=list(tags) or None)


def _refuse_deflate_bomb(path: Path) -> None:
    """Refuse a deflated data set that is too large: pydicom unpacks it whole, without a limit."""
    with path.open("rb") as file:
        head = file.read(_META)
    unclear = head[128:132] == b"DICM" and _SYNTAX_TAG not in head
    if DeflatedExplicitVRLittleEndian.encode() not in head and not unclear:
        return
    if read_file_meta_info(path).get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return
    with path.open("rb") as file:
        read_preamble(file, force=True)
        pydicom.filereader._read_file_meta_info(file)
        packed = file.read()
    inflater, size, rest = zlib.decompressobj(-zlib.MAX_WBITS), 0, packed
    while rest and not inflater.eof:
        size += len(inflater.decompress(rest, _STEP))
        refuse_bomb(path, size, len(packed), _MOST_GB)
        rest = inflater.unconsumed_tail
    if not inflater.eof:
        raise ReadError(f"{path}: its deflated data ends too early", "copy or export it again")
