"""The folder that masks go to, each in the place of its picture."""

from pathlib import Path

from PIL import Image

from lamina.annotations.convert import Converted
from lamina.annotations.pictures import Pictures
from lamina.cases.formats import stem_of
from lamina.files import written_whole


class MaskFolder:
    """Masks as PNG of class values, named after their pictures and in the same folders below.

    Parameters
    ----------
    path
        Where they go.
    pictures
        The pictures that they belong to.
    """

    def __init__(self, path: Path, pictures: Pictures) -> None:
        self.path = path
        self.pictures = pictures
        self._written: set[Path] = set()

    def write(self, made: Converted) -> Path | None:
        """Write a mask; where it would take another file's place, that becomes its problem."""
        if made.mask is None or made.picture is None:
            return None
        place = made.picture.relative_to(self.pictures.folder)
        path = (self.path / place).with_name(f"{stem_of(place)}.png")
        if path in self._written:
            made.problem = f"a second picture whose mask would be {path}: keep one of them"
            return None
        if path.resolve() == made.picture.resolve():
            made.problem = f"its mask would replace {path}: choose another folder with -o"
            return None
        with written_whole(path) as part:
            Image.fromarray(made.mask.T).save(part)
        self._written.add(path)
        return path
