"""How far the labels of a model are from those that an annotator submitted."""

import math
from typing import Any

import numpy as np

from lamina.label.datastore import FINAL, LaminaDatastore
from lamina.label.monai_label import DefaultLabelTag, ScoringMethod
from lamina.label.names import fits, recode
from lamina.label.work import ServedTask
from lamina.metrics import confusion_matrix, overlap_scores

Scores = dict[str, float | None]


class DiceScores(ScoringMethod):
    """Dice of each structure, between two labels of each image that has both.

    Parameters
    ----------
    tasks
        The served tasks, which say what the structures are.
    """

    def __init__(self, tasks: dict[str, ServedTask]) -> None:
        super().__init__("Dice of each structure: what a model found, against what was submitted")
        self.tasks = tasks

    def __call__(self, request: dict[str, Any], datastore: LaminaDatastore) -> dict[str, Any]:
        """Return {image: {task: {structure: Dice, None where it is in neither}}}."""
        truth = str(request.get("y") or FINAL)
        found = str(request.get("y_pred") or DefaultLabelTag.ORIGINAL.value)
        both = set(datastore.labels.ids(truth)) & set(datastore.labels.ids(found))
        results = {}
        for image in sorted(both & set(datastore.list_images())):
            results[image] = self._score(datastore, image, truth, found)
            datastore.update_image_info(image, {"dice": results[image]})
        return results

    def _score(
        self, datastore: LaminaDatastore, image: str, truth: str, found: str
    ) -> dict[str, Scores]:
        pair = [datastore.labels.read(tag, image) for tag in (truth, found)]
        scores = {}
        for name, task in self.tasks.items():
            if all(fits(label, names, task.labels) for label, names in pair):
                y, y_pred = (recode(label, names, task.labels) for label, names in pair)
                scores[name] = _dice(task, y, y_pred)
        return scores


def _dice(task: ServedTask, truth: np.ndarray, found: np.ndarray) -> Scores:
    confusion = confusion_matrix(found.astype(np.int64), truth.astype(np.int64), len(task.labels))
    dice = overlap_scores(confusion)["dice"].tolist()
    named = zip(task.labels[1:], dice[1:], strict=True)
    return {label.name: None if math.isnan(value) else value for label, value in named}
