"""The one string that stands for an image: a file, a folder, or folder#SeriesInstanceUID."""

from pathlib import Path


def split_address(address: str | Path) -> tuple[Path, str | None]:
    """Return the file or folder of an address, and the series' UID where it names one.

    A file or folder that exists may have a # in its own name.

    >>> split_address("/data/study#1.2.840")[1], split_address("/data/a.png")[1]
    ('1.2.840', None)
    """
    path = Path(address)
    if path.exists() or "#" not in path.name:
        return path, None
    folder, _, uid = str(address).rpartition("#")
    return Path(folder), uid
