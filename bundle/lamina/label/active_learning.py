"""Which image to annotate next, and how good each label is."""

import logging
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor

from lamina.errors import reason_of
from lamina.inference.uncertainty import entropy
from lamina.inference.windows import WindowInferer
from lamina.label.datastore import FINAL, LaminaDatastore
from lamina.label.infer import LaminaInferTask
from lamina.label.monai_label import DefaultLabelTag, ScoringMethod, Strategy
from lamina.label.segment_names import fits, recode
from lamina.label.work import ServedTask
from lamina.metrics.confusion import confusion_matrix
from lamina.metrics.overlap import overlap_scores
from lamina.prediction.segmenter import Segmenter

logger = logging.getLogger("lamina")

PASSES = 8
KEY = "uncertainty"


def uncertainty(segmenter: Segmenter, address: str) -> tuple[float, str]:
    """Return the mean entropy over an image's voxels in nats, and the method.

    Parameters
    ----------
    segmenter
        The network, with weights.
    address
        The image.

    Returns
    -------
    From 0 (sure everywhere) to the logarithm of the number of classes, and "dropout" or
    "mirror images".
    """
    image = segmenter.read({"image": address}).item["image"]
    inputs = image.as_subclass(torch.Tensor)[None] if isinstance(image, MetaTensor) else image[None]
    has_dropout = any(_drops(module) for module in segmenter.network.modules())
    passes = _dropout_passes if has_dropout else _mirrored_passes
    total, count = torch.zeros(()), 0
    with torch.no_grad():
        for probabilities in passes(segmenter, inputs):
            total, count = total + probabilities, count + 1
    mean = total / count
    return float(entropy(mean, 1).mean()), "dropout" if has_dropout else "mirror images"


def _windows(segmenter: Segmenter) -> Callable[[torch.Tensor], torch.Tensor]:
    inferer = WindowInferer(segmenter.window_inferer.roi_size)
    return lambda inputs: inferer(inputs, segmenter.network).float().softmax(dim=1)


def _dropout_passes(segmenter: Segmenter, inputs: torch.Tensor) -> Iterator[torch.Tensor]:
    dropouts = [module for module in segmenter.network.modules() if _drops(module)]
    run = _windows(segmenter)
    for module in dropouts:
        module.train()
    try:
        # The same image has the same score, whatever was scored before it.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            for _ in range(PASSES):
                yield run(inputs)
    finally:
        for module in dropouts:
            module.eval()


def _mirrored_passes(segmenter: Segmenter, inputs: torch.Tensor) -> Iterator[torch.Tensor]:
    run = _windows(segmenter)
    yield run(inputs)
    for axis in range(2, inputs.ndim):
        yield run(inputs.flip(axis)).flip(axis)


def _drops(module: Any) -> bool:
    return isinstance(module, torch.nn.modules.dropout._DropoutNd) and module.p > 0


class UncertaintyScores(ScoringMethod):
    """Scores the images without a label that have no score of the current weights yet.

    Parameters
    ----------
    infer
        The task's inference.
    """

    def __init__(self, infer: LaminaInferTask) -> None:
        super().__init__(
            f"How unsure {infer.task.name} is of the images without a label: by dropout where "
            "the network has it, else by mirror images"
        )
        self.infer = infer

    def __call__(self, request: dict[str, Any], datastore: LaminaDatastore) -> dict[str, Any]:
        """Return {image: score}; one that can't be segmented gets 0, with the reason."""
        version, segmenter = _version(self.infer), self.infer.segmenter({})
        scores = {}
        for image in unscored(datastore, self.infer):
            try:
                scores[image], method = uncertainty(segmenter, datastore.studies.address(image))
            except Exception as error:  # noqa: BLE001 - one image must not end the others
                scores[image], method = 0.0, reason_of(error)
                logger.error("%s: not scored: %s", image, method)
            entry = {"score": scores[image], "version": version, "by": method}
            scored = datastore.get_image_info(image).get(KEY, {})
            datastore.update_image_info(image, {KEY: {**scored, self.infer.task.name: entry}})
        return scores


class MostUncertain(Strategy):
    """Hands out the image that a task is least sure of.

    Scores take time: where images lack one, they are computed in a process of its own, and the
    most uncertain of the others is handed out, or the first if there is none.

    Parameters
    ----------
    infer
        The task's inference.
    start
        Starts the scoring.
    """

    def __init__(self, infer: LaminaInferTask, start: Callable[[], Any]) -> None:
        super().__init__(f"The image that {infer.task.name} is least sure of")
        self.infer = infer
        self.start = start

    def __call__(self, request: dict[str, Any], datastore: LaminaDatastore) -> dict[str, Any]:
        """Return the image's name and score; empty where all have a label."""
        names = datastore.get_unlabeled_images()
        if not names or not self.infer.is_valid():
            return {"id": names[0]} if names else {}
        waiting = unscored(datastore, self.infer)
        if waiting:
            self.start()
        scores = {name: _score(datastore, self.infer, name) for name in names}
        best = max(names, key=lambda name: scores[name])
        return {"id": best, "score": max(scores[best], 0.0), "without_score": len(waiting)}


def unscored(datastore: LaminaDatastore, infer: LaminaInferTask) -> list[str]:
    """Return the images without a label that have no score of the current weights."""
    names = datastore.get_unlabeled_images()
    return [name for name in names if _score(datastore, infer, name) < 0]


def _score(datastore: LaminaDatastore, infer: LaminaInferTask, image: str) -> float:
    """Return an image's score, -1 where it has none of the current weights."""
    entry = datastore.get_image_info(image).get(KEY, {}).get(infer.task.name, {})
    return float(entry["score"]) if entry.get("version") == _version(infer) else -1.0


def _version(infer: LaminaInferTask) -> str:
    return infer.task.models.names()[-1]


Scores = dict[str, float | None]


class DiceScores(ScoringMethod):
    """Dice of each structure, between two labels of each image that has both.

    Parameters
    ----------
    tasks
        The served tasks, which say what the structures are.
    """

    def __init__(self, tasks: dict[str, ServedTask]) -> None:
        super().__init__("Dice of each structure: a model's label against the submitted one")
        self.tasks = tasks

    def __call__(self, request: dict[str, Any], datastore: LaminaDatastore) -> dict[str, Any]:
        """Return {image: {task: {structure: Dice, None where it is in neither}}}."""
        reference = str(request.get("y") or FINAL)
        prediction = str(request.get("y_pred") or DefaultLabelTag.ORIGINAL.value)
        both = set(datastore.labels.ids(reference)) & set(datastore.labels.ids(prediction))
        results = {}
        for image in sorted(both & set(datastore.list_images())):
            results[image] = self._score(datastore, image, reference, prediction)
            datastore.update_image_info(image, {"dice": results[image]})
        return results

    def _score(
        self, datastore: LaminaDatastore, image: str, reference: str, prediction: str
    ) -> dict[str, Scores]:
        pair = [datastore.labels.read(tag, image) for tag in (reference, prediction)]
        scores = {}
        for name, task in self.tasks.items():
            if all(fits(label, names, task.labels) for label, names in pair):
                y, y_pred = (recode(label, names, task.labels) for label, names in pair)
                scores[name] = _dice(task, y, y_pred)
        return scores


def _dice(task: ServedTask, reference: np.ndarray, prediction: np.ndarray) -> Scores:
    confusion = confusion_matrix(
        prediction.astype(np.int64), reference.astype(np.int64), len(task.labels)
    )
    dice = overlap_scores(confusion)["dice"].tolist()
    named = zip(task.labels[1:], dice[1:], strict=True)
    return {label.name: None if math.isnan(value) else value for label, value in named}
