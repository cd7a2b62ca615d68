"""The model of each task: the one that was there at the start, or one uploaded in its place."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lamina.errors import ConfigError, WeightsError
from lamina.web.descriptions import ModelState, TaskState, describe_labels
from lamina.web.settings import Settings

if TYPE_CHECKING:
    from lamina.prediction.segmenter import Segmenter
    from lamina.writers.segmented_case import SegmentedCase

PREFERRED = ("ioct_layers", "oct_phantom", "octid_layers")

Origin = Literal["finished run", "released model", "file", "uploaded"]

logger = logging.getLogger("lamina")


@dataclass(frozen=True)
class WeightsSource:
    """Where weights come from, and what people call that."""

    path: Path
    origin: Origin
    name: str
    spatial_dims: int | None = None


def find_weights_source(name: str, run_dir: str | None, weights: str | None) -> WeightsSource:
    """Return the weights that `lamina predict` would take; raises ``WeightsError`` as it does.

    Parameters
    ----------
    name
        The task's name.
    run_dir, weights
        As for `lamina predict`.
    """
    from lamina.inference.weights import dims_of_run, find_weights
    from lamina.tasks.catalogue import CHECKOUT

    run = str(Path(run_dir).expanduser().resolve()) if run_dir else str(CHECKOUT / "runs" / name)
    released = CHECKOUT / "models" / name / "model.pt"
    path = find_weights(weights, run, str(released))
    if weights is not None and weights != "released":
        return WeightsSource(path, "file", path.name)
    dims = dims_of_run(run).get("spatial_dims")
    if path == released:
        return WeightsSource(path, "released model", f"models/{name}/model.pt", dims)
    shown = path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else path
    return WeightsSource(path, "finished run", str(shown), dims)


class ServedModel:
    """A task's network with its weights.

    It holds the network twice, so that a volume, which takes long, and pictures do not wait for
    each other; each of the two is used by one thread.

    Parameters
    ----------
    task
        The task file.
    source
        Where the weights are.

    Raises
    ------
    WeightsError
        If they are broken or of another network.
    ConfigError
        If the task file is wrong.
    """

    def __init__(self, task: Path, source: WeightsSource) -> None:
        from lamina.tasks.catalogue import read_task

        self.task = read_task(task)
        self.source = source
        self._segmenters = {kind: self._load() for kind in ("picture", "volume")}
        self.about = self._segmenters["picture"].about

    def _load(self) -> Segmenter:
        from lamina.prediction.segmenter import load_segmenter
        from lamina.tasks.catalogue import CHECKOUT

        dims = self.source.spatial_dims
        changes = {"task": self.task} | ({} if dims is None else {"spatial_dims": dims})
        return load_segmenter(CHECKOUT / "configs" / "inference.json", self.source.path, changes)

    def segment(
        self,
        address: str,
        name: str,
        kind: str = "picture",
        watch: Callable[[float], None] | None = None,
    ) -> SegmentedCase:
        """Segment an image with one of the two networks: "picture" or "volume".

        The other parameters and the errors are those of `lamina.prediction.Segmenter`.
        """
        return self._segmenters[kind].segment(address, name, watch)

    def describe(self) -> ModelState:
        """Return what clients are told of it."""
        return {
            "task": self.task["name"],
            "title": self.task["title"],
            "origin": self.source.origin,
            "weights": self.source.name,
            "hash": self.about["weights_hash"],
            "spatial_dims": self.about["spatial_dims"],
            "device": self.about["device"],
            "labels": describe_labels(self._segmenters["picture"].labels),
        }


def check_size(path: Path, most: int) -> None:
    """Refuse weights that would unpack to more than ``most`` bytes.

    Raises
    ------
    WeightsError
        Before anything of it is read.
    """
    size = path.stat().st_size
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            size = max(size, sum(entry.file_size for entry in archive.infolist()))
    if size > most:
        raise WeightsError(
            f"{path}: {size / 1e9:.3g} GB of weights, at most {most / 1e9:.3g} GB are taken",
            "give it to `lamina serve --weights` if it is meant so",
        )


class ServedModels:
    """Loads models when they are first asked for; one thread uses it.

    Parameters
    ----------
    settings
        The task that is served where a client names none, and its weights.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._files: dict[str, Path] = {}
        self._default = ""
        self._original: dict[str, ServedModel] = {}
        self._uploaded: dict[str, ServedModel] = {}

    def start(self) -> ServedModel:
        """Find the task that is served and load its model; raises as `ServedModel` does."""
        from lamina.tasks.catalogue import find_task, read_task, task_files

        self._files = {path.stem: path for path in task_files()}
        if self._settings.task is None:
            self._default = self._first_with_model()
        else:
            path = find_task(self._settings.task)
            self._default = str(read_task(path)["name"])
            self._files[self._default] = path
        return self.get()

    def _first_with_model(self) -> str:
        names = sorted(self._files, key=lambda name: (name not in PREFERRED, name))
        for name in names:
            if self._has_model(name):
                return name
        raise WeightsError(
            f"no task has a trained model ({', '.join(names)})",
            "train one first, or name --task and --weights",
        )

    def _has_model(self, name: str) -> bool:
        try:
            self._source(name)
        except WeightsError:
            return False
        return True

    def _source(self, name: str) -> WeightsSource:
        """Return a task's weights; the server's run_dir and weights count for the served task."""
        if self._settings.task is None or name == self._default:
            return find_weights_source(name, self._settings.run_dir, self._settings.weights)
        return find_weights_source(name, None, None)

    def default_task(self) -> dict[str, Any]:
        """Return the task that is served, as its file has it."""
        from lamina.tasks.catalogue import read_task

        return read_task(self._files[self._default])

    def get(self, name: str | None = None) -> ServedModel:
        """Return the model of a task, by default of the one that is served.

        Raises
        ------
        ConfigError
            If there is no such task.
        WeightsError
            If it has no model.
        """
        name = self._known(name)
        if name in self._uploaded:
            return self._uploaded[name]
        if name not in self._original:
            self._original[name] = ServedModel(self._files[name], self._source(name))
        return self._original[name]

    def _known(self, name: str | None) -> str:
        name = name or self._default
        if name not in self._files:
            raise ConfigError(f"task {name!r} is not known", f"known are {', '.join(self._files)}")
        return name

    def upload(self, name: str | None, path: Path, shown: str, most: int) -> ServedModel:
        """Let weights from a client take the place of a task's model.

        Parameters
        ----------
        name
            The task; None for the one that is served.
        path
            The file, which is not needed afterwards.
        shown
            What the client calls it.
        most
            Bytes that it may unpack to.

        Raises
        ------
        WeightsError
            If they do not fit; the model that was there goes on.
        """
        check_size(path, most)
        name = self._known(name)
        source = WeightsSource(path, "uploaded", shown, self.get(name).about["spatial_dims"])
        self._uploaded[name] = ServedModel(self._files[name], source)
        logger.info("%s: the uploaded weights %s are used", name, shown)
        return self._uploaded[name]

    def revert(self, name: str | None) -> ServedModel:
        """Forget uploaded weights and return the model that was there at the start."""
        self._uploaded.pop(self._known(name), None)
        return self.get(name)

    def list_tasks(self) -> list[TaskState]:
        """Return what clients are told of each task."""
        from lamina.tasks.catalogue import read_task

        tasks = {name: read_task(path) for name, path in sorted(self._files.items())}
        return [
            {
                "name": name,
                "title": task["title"],
                "spatial_dims": task["spatial_dims"],
                "has_model": name in self._uploaded or self._has_model(name),
                "is_default": name == self._default,
            }
            for name, task in tasks.items()
        ]
