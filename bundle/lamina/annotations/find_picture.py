"""The picture on disk for the name in an annotation."""

import io
from collections import defaultdict
from pathlib import Path, PurePosixPath

from lamina.cases.case import safe_name
from lamina.cases.find import find_images
from lamina.errors import DataError, ReadError
from lamina.files import written_whole
from lamina.readers.formats import format_of, stem_of
from lamina.readers.pictures import open_picture


class Pictures:
    """The pictures below a folder.

    Folders in a name count only where the same file name is in several.

    ``folder``: their folder; it is created when an embedded picture is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        for address in find_images(folder).sources:
            if format_of(address) == "picture":
                self._add(Path(address))

    def _add(self, path: Path) -> None:
        self._by_name[path.name.casefold()].append(path)

    def has(self, name: str) -> bool:
        """Return whether there is a picture of that name, or several."""
        return bool(self._by_name[PurePosixPath(name.replace("\\", "/")).name.casefold()])

    def find(self, name: str) -> Path:
        """Return the picture of that name; upper and lower case may differ.

        Raises DataError if there is none, or several.
        """
        wanted = PurePosixPath(name.replace("\\", "/"))
        paths = self._by_name[wanted.name.casefold()]
        for rule in (_same_folders, _same_case):
            paths = [path for path in paths if rule(path, wanted)] or paths
        if len(paths) == 1:
            return paths[0]
        if paths:
            listed = ", ".join(str(path.relative_to(self.folder)) for path in paths)
            raise DataError(f"several pictures of that name: {listed}", "keep one")
        raise DataError(f"no such picture in {self.folder}{self._near(wanted)}")

    def _near(self, wanted: PurePosixPath) -> str:
        stem = stem_of(wanted.name).casefold()
        near = [
            path.name
            for paths in self._by_name.values()
            for path in paths
            if stem_of(path).casefold() == stem
        ]
        return f"; {', '.join(near)} exists, but may be another picture" if near else ""

    def others(self, used: set[Path]) -> int:
        """Return how many pictures are not among those."""
        return sum(path not in used for paths in self._by_name.values() for path in paths)

    def write(self, name: str, data: bytes) -> Path:
        """Write the picture that an annotation holds, under its own name.

        Raises ReadError if it is no picture.
        """
        plain = PurePosixPath(name.replace("\\", "/")).name
        try:
            with open_picture(io.BytesIO(data)) as picture:
                suffix = f".{(picture.format or '').lower()}"
        except OSError as error:
            raise ReadError(f"{plain}: the embedded picture can't be read ({error})") from error
        path = self.folder / (safe_name(stem_of(plain)) + suffix)
        if format_of(plain) == "picture":
            path = path.with_suffix(Path(plain).suffix)
        with written_whole(path) as part:
            part.write_bytes(data)
        self._add(path)
        return path


def _same_folders(path: Path, wanted: PurePosixPath) -> bool:
    folders = [name.casefold() for name in path.parts[-len(wanted.parts) :]]
    return folders == [name.casefold() for name in wanted.parts]


def _same_case(path: Path, wanted: PurePosixPath) -> bool:
    return path.name == wanted.name
