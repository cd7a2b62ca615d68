"""What tells one data set from another: the contents of its files."""

import hashlib
from pathlib import Path

from lamina.cases.case import SPLITS
from lamina.cases.splits import Splits
from lamina.readers.address import split_address
from lamina.readers.formats import format_of
from lamina.readers.itk import data_file

CHUNK = 1 << 20


def fingerprint(splits: Splits) -> dict[str, dict[str, str]]:
    """Return a hash of image and label for each case of each split.

    >>> fingerprint({"training": [], "validation": [], "test": []})
    {'training': {}, 'validation': {}, 'test': {}}
    """
    return {
        split: {case.name: hash_files(case.image, case.label) for case in splits[split]}
        for split in SPLITS
    }


def hash_files(*addresses: str | None) -> str:
    """Return a hash of the contents of files, folders or series; None counts as nothing."""
    digest = hashlib.blake2b(digest_size=16)
    for address in addresses:
        for path in _files(address):
            with path.open("rb") as file:
                while chunk := file.read(CHUNK):
                    digest.update(chunk)
    return digest.hexdigest()


def _files(address: str | None) -> list[Path]:
    """Return the file with its data, or all files of a series' folder, whose UID may follow a #."""
    if address is None:
        return []
    path, _ = split_address(address)
    if path.is_dir():
        return sorted(p for p in path.rglob("*") if p.is_file())
    # Headers of one scanner may be the same to the byte: what differs lies in the data file.
    data = data_file(path) if format_of(path) == "itk" and path.is_file() else None
    return [path, data] if data else [path]
