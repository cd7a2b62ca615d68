"""Images and labels as MONAI Label asks for them."""

import logging
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from lamina.cases.case import safe_name
from lamina.errors import ConfigError, GeometryError
from lamina.files import read_json, write_json
from lamina.label.errors import UnknownNameError
from lamina.label.monai_label import Datastore, DefaultLabelTag
from lamina.label.predictor import labelled_case
from lamina.label.segment_names import check_values, fits, names_in_nrrd, names_of, recode
from lamina.label.studies import viewable
from lamina.label.submitted_labels import LabelFiles
from lamina.label.work import Work
from lamina.readers.formats import suffix_of
from lamina.readers.grid import Grid, format_size, grid_difference, pixel_grid
from lamina.readers.images import read_grid, read_label
from lamina.readers.source import Source
from lamina.tasks.labels import Label
from lamina.writers.dicom_seg import write_dicom_seg

logger = logging.getLogger("lamina")

FINAL = DefaultLabelTag.FINAL.value


class Studies(Protocol):
    """Where the images are."""

    unusable: list[tuple[str, str]]

    def addresses(self) -> dict[str, str]:
        """Return {name: address} of all images."""

    def address(self, image_id: str) -> str:
        """Return where an image is, which may have to be fetched first."""

    def has(self, image_id: str) -> bool:
        """Say whether there is an image, without fetching it."""

    def add(self, image_id: str, file: Path, suffix: str) -> str:
        """Take over an image that a client sent."""

    def store_label(self, file: Path) -> None:
        """Take notice of a submitted label, a DICOM SEG."""


class LaminaDatastore(Datastore):
    """The studies, and their labels in the server's folder.

    Parameters
    ----------
    studies
        The images.
    work
        The server's folder.
    """

    def __init__(self, studies: Studies, work: Work) -> None:
        self.studies = studies
        self.work = work
        self.labels = LabelFiles(work.labels)

    def name(self) -> str:
        """Return what it is called."""
        return "Lamina"

    def set_name(self, name: str) -> None:
        """Refuse: the name stands."""
        raise ConfigError(f"the datastore can't be called {name!r}")

    def description(self) -> str:
        """Return what it is."""
        return "images of any depth and format, labels by tag"

    def set_description(self, description: str) -> None:
        """Refuse: the description stands."""
        raise ConfigError(f"the datastore can't be described as {description!r}")

    def list_images(self) -> list[str]:
        """Return the names of all images, in order."""
        return sorted(self.studies.addresses())

    def datalist(self) -> list[dict[str, Any]]:
        """Return address and label file of each image that has a submitted label."""
        return [
            {"id": name, "image": self.studies.address(name), "label": self.label_file(name)}
            for name in self.get_labeled_images()
        ]

    def label_file(self, image_id: str) -> str:
        """Return the file of an image's submitted label."""
        return str(self.labels.path(FINAL, image_id))

    def get_labels_by_image_id(self, image_id: str) -> dict[str, str]:
        """Return {tag: label} of an image; labels are called as their image."""
        return {tag: image_id for tag in self.labels.tags() if self.labels.has(tag, image_id)}

    def get_label_by_image_id(self, image_id: str, tag: str) -> str:
        """Return an image's label with a tag, empty where there is none."""
        return self.get_labels_by_image_id(image_id).get(tag, "")

    def get_image(self, image_id: str, params: Any = None) -> Any:
        """Return an image as bytes."""
        return Path(self.get_image_uri(image_id)).read_bytes()

    def get_image_uri(self, image_id: str) -> str:
        """Return a file of an image that a viewer opens."""
        address = self.studies.address(image_id)
        return str(viewable(address, self.work.folder / "images", image_id))

    def get_label(self, label_id: str, label_tag: str, params: Any = None) -> Any:
        """Return a label as bytes."""
        return Path(self.get_label_uri(label_id, label_tag)).read_bytes()

    def get_label_uri(self, label_id: str, label_tag: str) -> str:
        """Return the file of a label."""
        return str(self.labels.path(label_tag, self._known(label_id)))

    def get_image_info(self, image_id: str) -> dict[str, Any]:
        """Return what is known of an image: when it was handed out, its scores."""
        path = self._info_path(image_id)
        return read_json(path) if path.is_file() else {}

    def update_image_info(self, image_id: str, info: dict[str, Any]) -> None:
        """Add to what is known of an image."""
        write_json(self._info_path(image_id), self.get_image_info(image_id) | info)

    def get_label_info(self, label_id: str, label_tag: str) -> dict[str, Any]:
        """Return what is known of a label."""
        return self.labels.info(label_tag, self._known(label_id))

    def update_label_info(self, label_id: str, label_tag: str, info: dict[str, Any]) -> None:
        """Add to what is known of a label."""
        self.labels.path(label_tag, self._known(label_id))
        self.labels.update_info(label_tag, label_id, info)

    def get_labeled_images(
        self, label_tag: str | None = None, labels: list[str] | None = None
    ) -> list[str]:
        """Return the images that have a label, as a rule a submitted one."""
        have = set(self.labels.ids(label_tag or FINAL))
        return [name for name in self.list_images() if name in have]

    def get_unlabeled_images(
        self, label_tag: str | None = None, labels: list[str] | None = None
    ) -> list[str]:
        """Return the images that have none."""
        have = set(self.labels.ids(label_tag or FINAL))
        return [name for name in self.list_images() if name not in have]

    def refresh(self) -> None:
        """Do nothing: everything is read anew where it is asked for."""

    def add_image(self, image_id: str, image_filename: str, image_info: dict[str, Any]) -> str:
        """Take over an image that a client sent.

        Raises
        ------
        LaminaError
            If it can't be read, or its name is taken.
        """
        file = Path(image_filename)
        name = self.studies.add(safe_name(image_id), file, suffix_of(file))
        self.update_image_info(name, image_info)
        return name

    def remove_image(self, image_id: str) -> None:
        """Refuse: the server deletes no studies."""
        raise ConfigError(f"{image_id}: Lamina's server deletes no studies", "delete it yourself")

    def save_label(
        self, image_id: str, label_filename: str, label_tag: str, label_info: dict[str, Any]
    ) -> str:
        """Take over a label of an image.

        Raises
        ------
        DataError
            If it has values or names that no served task has.
        GeometryError
            If it is not on the image's grid.
        """
        address = self.studies.address(image_id)
        grid = read_grid(address)
        label, own = read_label(Path(label_filename))
        label = _on_grid(label, own, grid, address)
        tasks = {name: task.labels for name, task in self.work.tasks().items()}
        names = _names(Path(label_filename), label_info, tasks)
        check_values(label, names, tasks)
        info = {**label_info, "names": names}
        self.labels.save(label_tag, image_id, label, grid.affine, info)
        if label_tag == FINAL and Source.of(address).is_dicom:
            for file in self._write_dicom_seg(image_id, label, names):
                self.studies.store_label(file)
        return image_id

    def _write_dicom_seg(self, image_id: str, label: Any, names: dict[int, str]) -> list[Path]:
        """Write a submitted label as DICOM SEG for each task that it is of, beside itself."""
        tasks = [task for task in self.work.tasks().values() if fits(label, names, task.labels)]
        if not names and len(tasks) > 1:
            logger.warning("%s: no DICOM SEG, since the label does not name its task", image_id)
            return []
        files = []
        for task in tasks:
            values = recode(label, names, task.labels)
            address = self.studies.address(image_id)
            case = labelled_case(task, address, f"{image_id}.{task.name}", values)
            files += write_dicom_seg(case, self.labels.path(FINAL, image_id).parent)
        return files

    def remove_label(self, label_id: str, label_tag: str) -> None:
        """Remove a label."""
        self.labels.remove(label_tag, self._known(label_id))

    def get_dataset_archive(self, limit_cases: int | None) -> str:
        """Return a zip of the images that have submitted labels, and of these."""
        with tempfile.TemporaryDirectory(dir=self.work.folder) as folder:
            for name in self.get_labeled_images()[:limit_cases]:
                for kind, path in (
                    ("images", self.get_image_uri(name)),
                    ("labels", self.label_file(name)),
                ):
                    target = Path(folder, kind, name + suffix_of(path))
                    target.parent.mkdir(exist_ok=True)
                    shutil.copyfile(path, target)
            base = self.work.folder / "uploads" / f"dataset-{os.getpid()}"
            return shutil.make_archive(str(base), "zip", folder)

    def status(self) -> dict[str, Any]:
        """Return how many images and labels there are, and what can't be served."""
        return {
            "total": len(self.list_images()),
            "completed": len(self.get_labeled_images()),
            "label_tags": {tag: len(self.labels.ids(tag)) for tag in self.labels.tags()},
            "train": self._briefly(),
            "unusable": [{"path": path, "reason": why} for path, why in self.studies.unusable],
        }

    def json(self) -> dict[str, Any]:
        """Return all images with their labels."""
        return {
            "name": self.name(),
            "description": self.description(),
            "objects": {name: self._object(name) for name in self.list_images()},
        }

    def _object(self, name: str) -> dict[str, Any]:
        tags = self.get_labels_by_image_id(name)
        labels = {tag: {"info": self.labels.info(tag, name)} for tag in tags}
        return {"image": {"info": self.get_image_info(name)}, "labels": labels}

    def _briefly(self) -> list[dict[str, str]]:
        labelled = self.get_labeled_images()
        return [{"image": name, "label": self.label_file(name)} for name in labelled]

    def _known(self, image_id: str) -> str:
        if not self.studies.has(image_id):
            raise UnknownNameError(f"there is no image {image_id!r}")
        return image_id

    def _info_path(self, image_id: str) -> Path:
        return self.work.folder / "images" / f"{self._known(image_id)}.json"


def _names(
    file: Path, info: Mapping[str, Any], tasks: Mapping[str, Sequence[Label]]
) -> dict[int, str]:
    """Return the names of a label's values, empty where nothing tells them."""
    told = names_in_nrrd(file) if suffix_of(file) == ".seg.nrrd" else {}
    model = tasks.get(str(info.get("model")), [])
    plain = {one.value: one.name for one in model[1:]}
    return told or names_of(info.get("label_info") or []) or plain


def _on_grid(label: Any, own: Grid, grid: Grid, address: str) -> Any:
    """Return a label in the shape of its image; 3D Slicer makes one slice of a picture."""
    if len(grid.shape) == 2 and own.shape[2:] == (1,):
        label, own = label[..., 0], pixel_grid(own.shape[:2])
    if own.shape != grid.shape:
        raise GeometryError(
            f"the label has {format_size(own.shape)} voxels, its image {format_size(grid.shape)}",
            "export the label with the image as its reference volume",
        )
    difference = grid_difference(grid, own)
    if difference:
        raise GeometryError(f"the label does not lie on {address}: {difference}")
    return np.asarray(label)
