"""The label maps of an evaluation, kept for what comes after it."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from monai.utils import convert_to_numpy
from numpy.typing import NDArray

from lamina.readers.grid import Grid
from lamina.readers.image_reader import grid_of
from lamina.readers.images import read_label
from lamina.tasks.labels import IGNORED
from lamina.writers.label_files import save_label_image


class SavedFiles(TypedDict):
    """Where a case's image (None: it came from memory) and its label maps lie, and its spacing."""

    image: str | None
    spacing: list[float]
    prediction: str
    truth: str


FOLDERS = {"prediction": "predictions", "truth": "truth"}


def save_label_maps(name: str, case: Mapping[str, Any], folder: Path, classes: int) -> SavedFiles:
    """Write prediction and reference of a case on the image's own grid; return where they are.

    Parameters
    ----------
    name
        The case's, safe as a file name.
    case
        With "image" (a MetaTensor), "label" and "pred", (1, x, y[, z]).
    folder
        The evaluation's.
    classes
        Their number, which stands for what is ignored, as nnU-Net has it.
    """
    image, truth = case["image"], convert_to_numpy(case["label"])
    truth = np.where(truth == IGNORED, classes, truth)
    arrays = {"prediction": case["pred"], "truth": truth}
    files = {
        key: save_label_image(
            convert_to_numpy(array)[0],
            convert_to_numpy(image.affine),
            folder / FOLDERS[key],
            name,
        )
        for key, array in arrays.items()
    }
    address = image.meta.get("filename_or_obj")
    return {
        "image": None if address is None else str(address),
        "spacing": list(grid_of(image).spacing),
        "prediction": str(files["prediction"].relative_to(folder)),
        "truth": str(files["truth"].relative_to(folder)),
    }


def read_truth(path: Path, classes: int) -> tuple[NDArray[np.int32], Grid]:
    """Return a reference that `save_label_maps` saved, and its grid."""
    values, grid = read_label(path)
    return np.where(values == classes, IGNORED, values), grid


def remove_other_cases(folder: Path, names: Collection[str]) -> None:
    """Remove the label maps that an earlier evaluation saved of cases that this one does not have."""
    for subfolder in FOLDERS.values():
        for path in (folder / subfolder).glob("*"):
            if path.name.removesuffix(".gz").rsplit(".", 1)[0] not in names:
                path.unlink()
