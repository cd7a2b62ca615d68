"""Every image below a folder, and what else lies there.

Names that begin with a dot are left alone: they are what operating systems put beside files. So
are folders called ``overlays``, where Lamina writes what people look at.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lamina.cases.dicom_series import find_series, is_dicom
from lamina.cases.formats import format_of

_METAIMAGE_DATA = (".raw", ".zraw")
_FOR_EYES = "overlays"


@dataclass(frozen=True)
class FoundImages:
    """Addresses of images in order, problems with DICOM files, and files that are no images."""

    addresses: tuple[str, ...]
    problems: tuple[str, ...]
    others: tuple[Path, ...]


def find_images(root: Path) -> FoundImages:
    """List the images below a folder: files by suffix, DICOM series by content."""
    addresses: list[str] = []
    problems: list[str] = []
    others: list[Path] = []
    for files in _files_by_folder(root):
        named = [path for path in files if format_of(path)]
        rest = [path for path in files if not format_of(path)]
        dicom = [path for path in rest if path.is_file() and is_dicom(path)]
        series, wrong = find_series(dicom)
        addresses += [str(path) for path in named] + [one.address for one in series]
        problems += wrong
        others += [path for path in rest if path not in dicom and not _is_data_of_header(path)]
    return FoundImages(tuple(addresses), tuple(problems), tuple(others))


def _files_by_folder(root: Path) -> Iterator[list[Path]]:
    """Yield the files of each folder; a folder that links lead to twice comes once."""
    seen = set()
    for folder, below, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        below[:] = [] if real in seen else sorted(filter(_holds_data, below))
        if real not in seen:
            yield [Path(folder, name) for name in sorted(names) if name[0] != "."]
        seen.add(real)


def _holds_data(folder: str) -> bool:
    return folder[0] != "." and folder != _FOR_EYES


def _is_data_of_header(path: Path) -> bool:
    return path.suffix.lower() in _METAIMAGE_DATA and path.with_suffix(".mhd").is_file()
