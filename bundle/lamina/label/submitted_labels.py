"""The labels of the studies: files below ``labels/TAG/``, and beside each what is known of it."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamina.errors import ConfigError
from lamina.files import read_json, write_json
from lamina.label.errors import UnknownNameError
from lamina.label.work import ServedTask
from lamina.readers.images import read_image, read_label
from lamina.writers.label_files import save_label_image
from lamina.writers.segmented_case import SegmentedCase


class LabelFiles:
    """Labels by tag ("final" is what an annotator submitted, "original" is a model's).

    Everything stands on disk and is read anew each time, since the server, its trainings and its
    batch runs are processes of their own.

    Parameters
    ----------
    folder
        Where the labels are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(
        self,
        tag: str,
        image_id: str,
        label: NDArray[np.integer],
        affine: NDArray[np.floating],
        info: dict[str, Any],
    ) -> Path:
        """Write a label of an image, in place of an earlier one with that tag."""
        # A name without its label is better than a label without its names.
        write_json(self._info_path(tag, image_id), info)
        return save_label_image(label, affine, self._folder(tag), image_id)

    def path(self, tag: str, image_id: str) -> Path:
        """Return the file of a label.

        Raises
        ------
        UnknownNameError
            If there is none.
        """
        for file in self._files(tag, image_id):
            if file.is_file():
                return file
        raise UnknownNameError(f"there is no label {tag!r} of {image_id!r}")

    def has(self, tag: str, image_id: str) -> bool:
        """Say whether an image has a label with this tag."""
        return any(file.is_file() for file in self._files(tag, image_id))

    def read(self, tag: str, image_id: str) -> tuple[NDArray[np.int32], dict[int, str]]:
        """Return a label's values and the names that came with it."""
        label, _ = read_label(self.path(tag, image_id))
        names = self.info(tag, image_id).get("names", {})
        return label, {int(value): name for value, name in names.items()}

    def ids(self, tag: str) -> list[str]:
        """Return the images that have a label with this tag."""
        files = [*self._folder(tag).glob("*.nii.gz"), *self._folder(tag).glob("*.png")]
        names = [re.sub(r"\.(nii\.gz|png)$", "", path.name) for path in files]
        return sorted(name for name in names if not name.startswith("."))

    def tags(self) -> list[str]:
        """Return the tags that have labels."""
        if not self.folder.is_dir():
            return []
        return sorted(path.name for path in self.folder.iterdir() if self.ids(path.name))

    def info(self, tag: str, image_id: str) -> dict[str, Any]:
        """Return what is known of a label."""
        path = self._info_path(tag, image_id)
        return read_json(path) if path.is_file() else {}

    def update_info(self, tag: str, image_id: str, info: dict[str, Any]) -> None:
        """Add to what is known of a label."""
        write_json(self._info_path(tag, image_id), self.info(tag, image_id) | info)

    def remove(self, tag: str, image_id: str) -> None:
        """Remove a label and what is known of it."""
        self.path(tag, image_id).unlink()
        self._info_path(tag, image_id).unlink(missing_ok=True)

    def _folder(self, tag: str) -> Path:
        if not re.fullmatch(r"\w[\w-]{0,40}", tag):
            raise ConfigError(f"tag {tag!r}", "use final or original: letters, digits, - and _")
        return self.folder / tag

    def _files(self, tag: str, image_id: str) -> list[Path]:
        return [self._folder(tag) / f"{image_id}{suffix}" for suffix in (".nii.gz", ".png")]

    def _info_path(self, tag: str, image_id: str) -> Path:
        return self._folder(tag) / f"{image_id}.json"


def labelled_case(
    task: ServedTask, address: str, name: str, label: NDArray[np.integer]
) -> SegmentedCase:
    """Return an image and its label map as `lamina.writers` take them."""
    image, grid = read_image(address)
    return SegmentedCase(
        name=name,
        address=address,
        image=image[None],
        label=label,
        grid=grid,
        labels=tuple(task.labels),
        task=task.name,
    )
