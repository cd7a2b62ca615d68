"""Files that hold several images: time points (FILE#t:N) and pages (FILE#page:N).

N counts from 1, as it does for the volumes of a multi-frame DICOM file (FILE#frames:N).
"""

import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from lamina.errors import ReadError

Part = Literal["t", "page"]

PART = re.compile(r"(t|page):([1-9]\d*)")
_NAMES = {"t": "volumes along one more axis", "page": "pages"}

logger = logging.getLogger("lamina")


def part_addresses(path: Path, part: Part, numbers: Iterable[int]) -> list[str]:
    """Return the addresses of images in a file.

    >>> part_addresses(Path("a.nii"), "t", [1, 2])
    ['a.nii#t:1', 'a.nii#t:2']
    """
    return [f"{path}#{part}:{number}" for number in numbers]


def require_part(path: Path, part: Part, count: int, number: int | None) -> int:
    """Return which of ``count`` images of a file is meant, counted from 0.

    Parameters
    ----------
    path, part, count
        The file, what it holds several of, and how many.
    number
        What its address says, from 1; None where it says nothing.

    Raises
    ------
    ReadError
        If none is named and there are several, or there is none of that number.

    Examples
    --------
    >>> require_part(Path("a.nii"), "t", 3, 2), require_part(Path("a.nii"), "t", 1, None)
    (1, 0)
    """
    if number is None and count > 1:
        raise ReadError(
            f"{path}: {count} {_NAMES[part]}, expected one image",
            f"name one of them: {path}#{part}:1 … {path}#{part}:{count}",
        )
    if number is not None and number > count:
        raise ReadError(
            f"{path}#{part}:{number}: the file has {count} {_NAMES[part]}",
            f"name one of {path}#{part}:1 … {path}#{part}:{count}",
        )
    return (number or 1) - 1


def warn_of_time(path: Path, count: int, number: int) -> None:
    """Warn that an axis which does not say what it is counts as time."""
    logger.warning(
        "%s#t:%d: its header does not say what the %d volumes are, they are taken for time points; "
        "if they are channels of one image, save the one that the task needs as a file of its own",
        path,
        number,
        count,
    )
