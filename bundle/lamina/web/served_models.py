"""The model of each task: the one that was there at the start, or one uploaded in its place."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina.errors import ConfigError, WeightsError
from lamina.web.settings import Settings

if TYPE_CHECKING:
    from lamina.web.served_model import Model

PREFERRED = ("ioct_layers", "oct_phantom", "octid_layers")

logger = logging.getLogger("lamina")


class Models:
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
        self._first: dict[str, Model] = {}
        self._uploaded: dict[str, Model] = {}

    def start(self) -> Model:
        """Find the task that is served and load its model; raises as `Model` does."""
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
        from lamina.web.served_model import find_source

        try:
            find_source(name, *self._place(name))
        except WeightsError:
            return False
        return True

    def _place(self, name: str) -> tuple[str | None, str | None]:
        """Return run_dir and weights, which count for the task that is served."""
        served = self._settings.task is None or name == self._default
        return (self._settings.run_dir, self._settings.weights) if served else (None, None)

    def default_task(self) -> dict[str, Any]:
        """Return the task that is served, as its file has it."""
        from lamina.tasks.catalogue import read_task

        return read_task(self._files[self._default])

    def get(self, name: str | None = None) -> Model:
        """Return the model of a task, by default of the one that is served.

        Raises
        ------
        ConfigError
            If there is no such task.
        WeightsError
            If it has no model.
        """
        name = self._known(name)
        return self._uploaded.get(name) or self._at_first(name)

    def _known(self, name: str | None) -> str:
        name = name or self._default
        if name not in self._files:
            raise ConfigError(f"task {name!r} is not known", f"known are {', '.join(self._files)}")
        return name

    def _at_first(self, name: str) -> Model:
        from lamina.web.served_model import Model, find_source

        if name not in self._first:
            self._first[name] = Model(self._files[name], find_source(name, *self._place(name)))
        return self._first[name]

    def upload(self, name: str | None, path: Path, shown: str, most: int) -> Model:
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
        from lamina.web.served_model import Model, Source, check_size

        check_size(path, most)
        name = self._known(name)
        before = self.get(name)
        source = Source(path, "uploaded", shown, before.about["spatial_dims"])
        self._uploaded[name] = Model(self._files[name], source)
        logger.info("%s: the uploaded weights %s are used", name, shown)
        return self._uploaded[name]

    def revert(self, name: str | None) -> Model:
        """Forget uploaded weights and return the model that was there at the start."""
        self._uploaded.pop(self._known(name), None)
        return self.get(name)

    def list_tasks(self) -> list[dict[str, Any]]:
        """Return what clients are told of each task."""
        from lamina.tasks.catalogue import read_task

        tasks = []
        for name, path in sorted(self._files.items()):
            task = read_task(path)
            tasks.append(
                {
                    "name": name,
                    "title": task["title"],
                    "spatial_dims": task["spatial_dims"],
                    "has_model": name in self._uploaded or self._has_model(name),
                    "is_default": name == self._default,
                }
            )
        return tasks
