"""The label maps of an evaluation, kept for what comes after it."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from monai.utils import convert_to_numpy

from lamina.readers.image_reader import grid_of
from lamina.writers.label_files import save_label_image

FOLDERS = {"prediction": "predictions", "truth": "truth"}


def keep_labels(name: str, case: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Write prediction and truth of a case on the image's own grid; return where they are.

    Parameters
    ----------
    name
        The case's, safe as a file name.
    case
        With "image" (a MetaTensor), "label" and "pred", (1, x, y[, z]).
    folder
        The evaluation's.

    Returns
    -------
    "image" (its address, None where it came from memory) and its "spacing", and "prediction" and
    "truth" below ``folder``.
    """
    image = case["image"]
    arrays = {"prediction": case["pred"], "truth": case["label"]}
    files = {
        key: save_label_image(
            convert_to_numpy(array)[0],
            convert_to_numpy(image.affine),
            folder / FOLDERS[key],
            name,
        )
        for key, array in arrays.items()
    }
    places = {key: str(path.relative_to(folder)) for key, path in files.items()}
    address = image.meta.get("filename_or_obj")
    image_path = None if address is None else str(address)
    return {"image": image_path, "spacing": list(grid_of(image).spacing), **places}


def forget_others(folder: Path, names: Collection[str]) -> None:
    """Remove what an earlier evaluation kept of cases that this one does not have."""
    for place in FOLDERS.values():
        for path in (folder / place).glob("*"):
            if path.name.removesuffix(".gz").rsplit(".", 1)[0] not in names:
                path.unlink()
