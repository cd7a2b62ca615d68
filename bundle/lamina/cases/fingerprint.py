"""What tells one data set from another: the contents of its files."""

import hashlib
from pathlib import Path

from lamina.cases.case import SPLITS
from lamina.cases.splits import Splits
from lamina.errors import ReadError
from lamina.readers.source import Source

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
    """Return the files of an image, or all below a folder that is none."""
    if address is None:
        return []
    source = Source.of(address)
    try:
        return source.files
    except ReadError:
        if not source.path.is_dir():
            raise
        return sorted(file for file in source.path.rglob("*") if file.is_file())
