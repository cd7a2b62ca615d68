"""What tells one data set from another: the contents of its files."""

import functools
import hashlib
from collections.abc import Iterable
from pathlib import Path

from lamina.cases.case import SPLITS
from lamina.cases.splits import Splits
from lamina.errors import ReadError
from lamina.files import split_address
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
    """Return a hash of the contents of files, folders or series; None counts as nothing.

    Of images in one file each has another hash.
    """
    digest = hashlib.blake2b(digest_size=16)
    for address in addresses:
        path, part = (None, None) if address is None else split_address(address)
        if path is not None and part is not None and path.is_file():
            digest.update(f"{part} {_hash_once(*map(_state, _files_of_all(path)))}".encode())
        else:
            _add_contents(digest, _files(address))
    return digest.hexdigest()


def _files_of_all(path: Path) -> list[Path]:
    """Return the files of all images in a file: it, and for some formats its data."""
    source = Source(path)
    return source.files if source.kind else [path]


def _state(path: Path) -> tuple[Path, int, int]:
    stat = path.stat()
    return path, stat.st_size, stat.st_mtime_ns


@functools.lru_cache(maxsize=64)
def _hash_once(*files: tuple[Path, int, int]) -> str:
    """Return the hash of files as they are now, of which many images are asked for."""
    digest = hashlib.blake2b(digest_size=16)
    _add_contents(digest, [path for path, _, _ in files])
    return digest.hexdigest()


def _add_contents(digest: "hashlib.blake2b", paths: Iterable[Path]) -> None:
    for path in paths:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)


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
