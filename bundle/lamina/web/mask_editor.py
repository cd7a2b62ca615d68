"""The images of a data set's folder, and the masks that are drawn for them; one thread uses it."""

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamina.cases.case import Case
from lamina.cases.find import find_cases
from lamina.cases.fingerprint import hash_files
from lamina.errors import DataError, LaminaError
from lamina.pictures.views import View
from lamina.readers.grid import Grid
from lamina.readers.images import read_image
from lamina.tasks.labels import read_labels
from lamina.web.descriptions import ImageState
from lamina.web.mask_files import codings, encode, mask_path, read_mask, write_picture, write_slice
from lamina.web.slice_views import grey_image, volume_view

# Names with a dot are left alone when Lamina looks for images: what lies here is out of the set.
DISCARDED = ".discarded"


class ChangedError(Exception):
    """A mask on disk is another one than the client began with."""


@dataclass(frozen=True)
class ImageEntry:
    """One image of the folder; ``key`` stays when it is discarded."""

    key: str
    case: Case
    root: Path
    is_discarded: bool


class MaskEditor:
    """A folder of images to draw masks for.

    Parameters
    ----------
    root
        The data set's folder.
    task
        Whose classes are drawn.
    """

    def __init__(self, root: Path, task: Mapping[str, Any]) -> None:
        self.root = root
        self.labels = read_labels(task["labels"])
        self.codings = codings(len(self.labels), task["label_values"])
        self._task = task
        self._last: tuple[str, NDArray[np.float32], NDArray[np.uint8], Grid] | None = None

    def entries(self) -> list[ImageEntry]:
        """Return all images, those that were discarded last."""
        entries = [*self._entries(self.root, False), *self._entries(self.root / DISCARDED, True)]
        if not entries:
            raise DataError(f"{self.root}: no image", "name another --dataset-dir")
        return entries

    def _entries(self, root: Path, is_discarded: bool) -> list[ImageEntry]:
        if not root.is_dir():
            return []
        try:
            cases = find_cases(root).cases
        except DataError:
            if is_discarded or (self.root / DISCARDED).is_dir():
                return []
            raise
        return [
            ImageEntry(_key(Path(case.image).relative_to(root)), case, root, is_discarded)
            for case in cases
        ]

    def entry(self, key: str) -> ImageEntry:
        """Return one image; raises ``KeyError`` if there is none of that key."""
        for entry in self.entries():
            if entry.key == key:
                return entry
        raise KeyError(key)

    def describe(self, key: str) -> ImageState:
        """Return what is known of an image: its size, and the mask's file."""
        entry = self.entry(key)
        _, _, grid = self._image(entry)
        view = self._view(grid, 0)
        high, wide = view.pixel_size((*grid.spacing, 1.0))
        slices = grid.shape[2] if len(grid.shape) == 3 else 1
        path, problem = None, None
        try:
            path = str(self._mask_path(entry, grid).relative_to(entry.root))
        except LaminaError as error:
            problem = str(error)
        return {"slices": slices, "aspect": high / wide, "mask": path, "problem": problem}

    def image(self, key: str, index: int) -> NDArray[np.uint8]:
        """Return a slice in grey, (rows, columns), as it is looked at."""
        _, grey, grid = self._image(self.entry(key))
        return self._view(grid, index).show(grey)

    def mask(self, key: str, index: int, coding: str) -> tuple[NDArray[np.uint8], str]:
        """Return the class values of a slice, as it is looked at, and the version of its file."""
        entry = self.entry(key)
        _, _, grid = self._image(entry)
        path = self._mask_path(entry, grid)
        values = read_mask(path, grid, self.codings[coding])
        return self._view(grid, index).show(values), _version(path)

    def save(
        self, key: str, index: int, picture: NDArray[np.uint8], coding: str, version: str
    ) -> str:
        """Write a slice's mask beside the images, as the data set's layout expects it.

        Parameters
        ----------
        key, index
            The image and its slice.
        picture
            Class values, (rows, columns), as `mask` returns them.
        coding
            A name from ``codings``.
        version
            What `mask` returned when the drawing began.

        Returns
        -------
        The new version.

        Raises
        ------
        ChangedError
            If the file is another one by now.
        DataError
            If a class does not exist or has no code, or the size is wrong.
        """
        entry = self.entry(key)
        _, _, grid = self._image(entry)
        path = self._mask_path(entry, grid)
        if version != _version(path):
            raise ChangedError(path.name)
        values = self._view(grid, index).restore(picture)
        if values.shape != grid.shape[:2]:
            raise DataError(f"a mask of {values.shape} for an image of {grid.shape[:2]} pixels")
        if int(values.max(initial=0)) >= len(self.labels):
            raise DataError(f"class {values.max()}, but there are {len(self.labels)}")
        codes = encode(values, self.codings[coding])
        if len(grid.shape) == 2:
            write_picture(path, codes)
        else:
            write_slice(path, grid, index, codes)
        self._require_paired(key, path)
        return _version(path)

    def _require_paired(self, key: str, path: Path) -> None:
        label = self.entry(key).case.label
        if label is None or Path(label) != path:
            raise DataError(
                f"{path}: the mask is written, but is not found as the mask of its image",
                "look into the folder's layout with `lamina data`",
            )

    def view_of(self, key: str, values: NDArray[np.integer], index: int) -> NDArray[np.integer]:
        """Return a slice of a label map on the image's own grid, as it is looked at."""
        _, _, grid = self._image(self.entry(key))
        return self._view(grid, index).show(values)

    def keep(self, key: str, wanted: bool) -> None:
        """Take an image, with its mask, out of the data set, or back into it."""
        entry = self.entry(key)
        if entry.is_discarded != wanted:
            return
        target = self.root if wanted else self.root / DISCARDED
        for address in (entry.case.image, entry.case.label):
            if address is not None:
                _move(address, entry.root, target)
        self._last = None

    def _mask_path(self, entry: ImageEntry, grid: Grid) -> Path:
        cases = [other.case for other in self.entries() if other.is_discarded == entry.is_discarded]
        return mask_path(entry.case, cases, entry.root, len(grid.shape) == 3)

    def _image(self, entry: ImageEntry) -> tuple[NDArray[np.float32], NDArray[np.uint8], Grid]:
        if self._last is None or self._last[0] != entry.case.image:
            values, grid = read_image(entry.case.image)
            self._last = (entry.case.image, values, _as_seen(values), grid)
        return self._last[1:]

    def _view(self, grid: Grid, index: int) -> View:
        if len(grid.shape) == 2:
            return View(axes=(1, 0), flipped=(False, False))
        if not 0 <= index < grid.shape[2]:
            raise KeyError(index)
        depth = (self._task["measure"] or {}).get("depth_axis")
        return volume_view(2, index, grid.affine, depth)


def _as_seen(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return grey values that are 8 bits already as they are, so that a threshold means them."""
    if values.min() >= 0 and values.max() <= 255 and (values == np.round(values)).all():
        return values.astype(np.uint8)
    return grey_image(values)


def _key(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def _version(path: Path) -> str:
    return hash_files(str(path)) if path.is_file() else "none"


def _move(address: str, root: Path, target: Path) -> None:
    if "#" in address:
        raise DataError(
            f"{address}: one of several series in a folder can't be moved out of it",
            "give each series a folder of its own",
        )
    goal = target / Path(address).relative_to(root)
    if goal.exists():
        raise DataError(f"{goal} is there already", "remove one of the two")
    goal.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(address, goal)
