"""A packed task, ready to segment one image after the other."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser
from monai.transforms import Compose
from monai.utils import convert_to_numpy

from lamina.errors import DataError, find_cause, reason_of
from lamina.inference.weights import load_weights
from lamina.label.work import ServedTask
from lamina.prediction.read_case import predict_item
from lamina.readers.images import read_image
from lamina.writers.label_files import smallest_type
from lamina.writers.segmented_case import SegmentedCase

INFERENCE = Path("configs", "inference.json")


class Predictor:
    """The inference workflow of a packed task, with weights loaded.

    Parameters
    ----------
    task
        The task.
    weights
        Its file.
    options
        Values for ``displayable_configs``.
    """

    def __init__(self, task: ServedTask, weights: Path, options: Mapping[str, Any]) -> None:
        self.task = task
        chosen = {f"displayable_configs#{name}": value for name, value in options.items()}
        # The images come one by one, when they are asked for.
        chosen |= {"weights": str(weights), "dataset#data": []}
        self.parser = read_parser(task, INFERENCE, chosen)
        self.network = load_weights(self.parser.get_parsed_content("network"), weights)
        self.preprocessing = self.parser.get_parsed_content("preprocessing")
        self.evaluator = self.parser.get_parsed_content("evaluator")

    def predict(self, address: str, name: str) -> SegmentedCase:
        """Return an image with the labels that the network finds, on the image's own grid."""
        item = self.prepared(address, name)
        label = convert_to_numpy(predict_item(self.evaluator, item)["pred"])[0]
        label = label.astype(smallest_type(int(label.max(initial=0))))
        return labelled_case(self.task, address, name, label)

    def prepared(self, address: str, name: str) -> dict[str, Any]:
        """Return an image as the network takes it; raises as `preprocessed` does."""
        return preprocessed(self.preprocessing, {"image": address, "case": name}, self.task.name)


def preprocessed(transforms: Compose, item: dict[str, Any], task: str) -> dict[str, Any]:
    """Return what a task's preprocessing makes of an item.

    Raises
    ------
    LaminaError
        If the image can't be read, or is nothing that this preprocessing is made for.
    """
    try:
        return transforms(item)
    except Exception as error:
        raise find_cause(error) or DataError(
            f"{item['image']}: the preprocessing of {task} does not take it: {reason_of(error)}",
            "choose a task that is made for such images",
        ) from error


def labelled_case(task: ServedTask, address: str, name: str, label: Any) -> SegmentedCase:
    """Return an image and its label map as `lamina.writers` take them."""
    image, grid = read_image(address)
    return SegmentedCase(
        name=name,
        address=address,
        image=image[None],
        label=label,
        affine=grid.affine,
        has_spacing=grid.unit == "mm",
        labels=tuple(task.labels),
        task=task.name,
    )


def options_of(task: ServedTask) -> dict[str, Any]:
    """Return what an annotator may turn, with its defaults (``displayable_configs``)."""
    return dict(
        ConfigParser.load_config_file(task.folder / INFERENCE).get("displayable_configs", {})
    )


def read_parser(task: ServedTask, config: Path, overrides: Mapping[str, Any]) -> ConfigParser:
    """Return one of a packed task's configs, with other values for some of its ids."""
    parser = ConfigParser()
    parser.read_config(task.folder / config)
    parser.update({"bundle_root": str(task.folder), "progress": False, **overrides})
    sys.path.append(str(task.folder))
    try:
        parser.parse(True)
    finally:
        sys.path.remove(str(task.folder))
    return parser
