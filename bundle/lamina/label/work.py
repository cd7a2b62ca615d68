"""The server's folder: the tasks packed into it, their weights, the labels."""

import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamina.errors import ConfigError, LaminaError, reason_of
from lamina.files import read_json, write_json
from lamina.inference import find_weights
from lamina.label.models import Models
from lamina.package import pack_task
from lamina.tasks import Label, check_config, read_labels
from lamina.tasks.catalogue import CHECKOUT, find_task, read_task

logger = logging.getLogger("lamina")

_MAIN = '''"""What MONAI Label looks for in an app's folder."""

from lamina.label.app import LaminaApp  # noqa: F401
'''


@dataclass(frozen=True)
class ServedTask:
    """A packed task.

    ``folder`` is the bundle, ``models`` are the weights that the server has of it, ``runs`` is
    where it trains.
    """

    name: str
    folder: Path
    models: Models
    runs: Path

    @property
    def about(self) -> Mapping[str, Any]:
        """What the task file says."""
        return read_json(self.folder / "configs" / "train.json")["task"]

    @property
    def labels(self) -> list[Label]:
        """Its classes, background first."""
        return read_labels(self.about["labels"])


@dataclass(frozen=True)
class Work:
    """Where a server keeps all that it writes.

    ``bundles/TASK`` is packed anew at each start; ``models/TASK`` and ``labels`` stay.
    """

    folder: Path

    @property
    def labels(self) -> Path:
        """Folder of the labels, by tag."""
        return self.folder / "labels"

    def tasks(self) -> dict[str, ServedTask]:
        """Return the tasks that are served, by name."""
        return {name: self._task(name) for name in read_json(self._list)["tasks"]}

    def unusable(self) -> list[tuple[str, str]]:
        """Return (task, reason) of those that were asked for and can't be served."""
        return [(name, why) for name, why in read_json(self._list)["unusable"]]

    def prepare(self, tasks: Sequence[str]) -> None:
        """Pack tasks and give each its first weights; one that can't be packed is noted.

        Raises
        ------
        ConfigError
            If none can be packed, or there is no task of a name.
        """
        files = [find_task(task) for task in tasks]
        unusable, packed = [], []
        for file in files:
            try:
                packed.append(self._pack(file))
            except LaminaError as error:
                unusable.append((file.stem, reason_of(error)))
                logger.error("not served: %s: %s", *unusable[-1])
        if not packed:
            raise ConfigError("\n".join(f"{name}: {why}" for name, why in unusable) or "no task")
        write_json(self._list, {"tasks": packed, "unusable": unusable})
        (self.folder / "main.py").write_text(_MAIN, encoding="utf-8")
        # What clients sent, and what was to be sent to them, counts only while a server runs.
        for name in ("uploads", "sessions"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        for name in ("logs", "uploads", "sessions"):
            (self.folder / name).mkdir(exist_ok=True)

    def _pack(self, file: Path) -> str:
        task = read_task(file)
        check_config({"task": task})
        name = str(task["name"])
        weights = _weights(name)
        folder, zipped = pack_task(file, weights, self.folder / "bundles")
        zipped.unlink()
        models = Models(self.folder / "models" / name)
        if weights is not None and not models.names():
            models.publish(folder / "models" / "model.pt")
        told = ", ".join(models.names()) or "no weights yet: submit labels and train it"
        logger.info("%s: %s", name, told)
        return name

    def _task(self, name: str) -> ServedTask:
        return ServedTask(
            name,
            self.folder / "bundles" / name,
            Models(self.folder / "models" / name),
            self.folder / "runs" / name,
        )

    @property
    def _list(self) -> Path:
        return self.folder / "tasks.json"


def _weights(name: str) -> Path | None:
    """Return the weights that ``lamina predict`` would take, None where a task has none."""
    run, released = CHECKOUT / "runs" / name, CHECKOUT / "models" / name / "model.pt"
    if not released.is_file() and not (run / "model.pt").is_file():
        return None
    return find_weights(None, str(run), str(released))
