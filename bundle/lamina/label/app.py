"""Lamina as a MONAI Label app."""

import copy
import functools
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lamina.console import speak_plainly
from lamina.label.active_learning import DiceScores, MostUncertain, UncertaintyScores
from lamina.label.batch_inference import batch_infer
from lamina.label.datastore import LaminaDatastore, Studies
from lamina.label.dicomweb import DicomWebStudies
from lamina.label.errors import UnknownNameError
from lamina.label.infer import LaminaInferTask
from lamina.label.monai_label import DefaultLabelTag, First, MONAILabelApp, Random, tasks
from lamina.label.studies import FolderStudies
from lamina.label.training import LaminaTrainTask
from lamina.label.work import ServedTask, Work
from lamina.tasks.labels import Label

logger = logging.getLogger("lamina")

RUNNING = ("SUBMITTED", "RUNNING")


class LaminaApp(MONAILabelApp):
    """The tasks that are packed in a server's folder, for the studies that it was given.

    Parameters
    ----------
    app_dir
        The server's folder, made ready by `lamina.label.work.Work`.
    studies
        A folder, or the address of a DICOMweb archive.
    conf
        Not used: the settings of a server are stored in its folder.
    """

    def __init__(self, app_dir: str, studies: str, conf: dict[str, str]) -> None:
        speak_plainly()
        self.work = Work(Path(app_dir))
        self.tasks = self.work.tasks()
        super().__init__(
            app_dir,
            studies,
            conf,
            name="Lamina",
            description="Segmentation with U-Nets, learning from corrections",
            labels=_all_labels(self.tasks),
        )

    def init_datastore(self) -> LaminaDatastore:
        """Return the studies with their labels."""
        return LaminaDatastore(self._studies(), self.work)

    def _studies(self) -> Studies:
        if self.studies.startswith(("http://", "https://")):
            return DicomWebStudies(self.studies, self.work.folder)
        return FolderStudies(Path(self.studies), self.work.folder)

    def init_infers(self) -> dict[str, LaminaInferTask]:
        """Return what segments, by task."""
        results = self.work.folder / "uploads"
        return {name: LaminaInferTask(task, results) for name, task in self.tasks.items()}

    def init_trainers(self) -> dict[str, LaminaTrainTask]:
        """Return what trains, by task."""
        return {name: LaminaTrainTask(task) for name, task in self.tasks.items()}

    def init_strategies(self) -> dict[str, Any]:
        """Return the ways to choose the image that comes next."""
        strategies = {"first": First(), "random": Random()}
        for name, infer in self._infers.items():
            start = functools.partial(self._start_scoring, f"uncertainty_{name}")
            strategies[f"uncertainty_{name}"] = MostUncertain(infer, start)
        return strategies

    def init_scoring_methods(self) -> dict[str, Any]:
        """Return what scores labels and images."""
        scores = {
            f"uncertainty_{name}": UncertaintyScores(infer) for name, infer in self._infers.items()
        }
        return {"dice": DiceScores(self.tasks), **scores}

    def _start_scoring(self, method: str) -> None:
        """Score in a process of its own, if none does so already."""
        if not any(task["status"] in RUNNING for task in tasks("scoring")):
            self.async_scoring(method)

    def info(self) -> dict[str, Any]:
        """Return what clients are told, with what can't be used and why."""
        unusable = [{"path": name, "reason": why} for name, why in self.work.unusable()]
        for name, task in self._infers.items():
            if not task.is_valid():
                unusable.append({"path": name, "reason": "no weights yet: label and train it"})
        return {**super().info(), "unusable": unusable + self.datastore().status()["unusable"]}

    def infer(self, request: dict[str, Any], datastore: Any = None) -> dict[str, Any]:
        """Segment an image; keep the label where ``save_label`` asks for it.

        Raises
        ------
        LaminaError
            If there is no such model or image, or it can't be segmented.
        """
        task = self._task(request.get("model"))
        address, name, own = self._source(str(request.get("image") or ""))
        file, params = task({**copy.deepcopy(request), "address": address, "name": name})
        tag = str(request.get("label_tag") or DefaultLabelTag.ORIGINAL.value)
        if str(request.get("save_label")).lower() == "true" and not own:
            info = {"label_info": _label_info(task.task.labels), "model": task.task.name}
            self.datastore().save_label(name, file, tag, {**info, "params": params})
        return {"label": file, "tag": tag, "file": file, "params": params}

    def batch_infer(self, request: dict[str, Any], datastore: Any = None) -> dict[str, Any]:
        """Segment many images and keep the labels; one that fails does not end the others."""
        return batch_infer(request, self.datastore(), self.infer)

    def _task(self, name: Any) -> LaminaInferTask:
        if name not in self._infers:
            known = ", ".join(self._infers)
            raise UnknownNameError(f"there is no model {name!r}", f"known are {known}")
        return self._infers[name]

    def _source(self, image: str) -> tuple[str, str, bool]:
        """Return address and name of an image, and whether a client sent it along."""
        path = Path(image).resolve()
        sent = [(self.work.folder / name).resolve() for name in ("uploads", "sessions")]
        if any(path.is_relative_to(folder) for folder in sent) and path.exists():
            return str(path), "upload", True
        return self.datastore().studies.address(image), image, False


def _all_labels(tasks: Mapping[str, ServedTask]) -> list[str]:
    """Return the names of all structures once, task by task: also of tasks without weights."""
    names = [label.name for task in tasks.values() for label in task.labels[1:]]
    return list(dict.fromkeys(names))


def _label_info(labels: list[Label]) -> list[dict[str, Any]]:
    return [{"name": label.name, "idx": label.value} for label in labels[1:]]
