"""The server's folder: packed tasks, versions of their weights, and one training at a time."""

import logging
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamina.errors import ConfigError, LaminaError, WeightsError, reason_of
from lamina.files import read_json, write_json, written_whole
from lamina.inference.weights import find_weights
from lamina.label.errors import BusyError, UnknownNameError
from lamina.locks import locked
from lamina.package.pack import pack_task
from lamina.prediction.segmenter import Segmenter, load_segmenter
from lamina.tasks.catalogue import CHECKOUT, find_task, read_task
from lamina.tasks.check import check_config
from lamina.tasks.labels import Label, read_labels


@contextmanager
def alone(folder: Path, what: str) -> Iterator[None]:
    """Keep other processes out of this block; the system lets go of one that dies.

    Raises
    ------
    BusyError
        If another process is in it; ``what`` says what that does.
    """
    with locked(folder / ".lock") as is_ours:
        if not is_ours:
            raise BusyError(f"{folder}: {what} already", "wait for it, or stop it")
        yield


CURRENT = "model.pt"
INFERENCE = Path("configs", "inference.json")


class Models:
    """``model.pt``, which segments, and ``model_v1.pt``, ``model_v2.pt`` … that led to it.

    Parameters
    ----------
    folder
        Where the files of one task are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def current(self) -> Path:
        """The file that segments, whether it is there yet or not."""
        return self.folder / CURRENT

    def names(self) -> list[str]:
        """Return what a client may choose from, the current one first."""
        versions = [f"model_v{number}.pt" for number in self._numbers()]
        return [CURRENT, *versions] if self.current.is_file() else versions

    def file(self, name: str) -> Path:
        """Return the file of a version.

        Raises
        ------
        WeightsError
            If the task has no weights yet.
        UnknownNameError
            If no version is called so.
        """
        known = self.names()
        if not known:
            raise WeightsError(
                f"{self.folder.name} has no weights yet", "submit labels and train it"
            )
        if name not in known:
            raise UnknownNameError(
                f"{self.folder.name} has no weights {name!r}", f"known are {', '.join(known)}"
            )
        return self.folder / name

    def publish(self, weights: Path, current: bool = True) -> str:
        """Keep a file as the next version, and make it the current one; return its name."""
        name = f"model_v{max(self._numbers(), default=0) + 1}.pt"
        for target in (self.folder / name, *([self.current] if current else [])):
            with written_whole(target) as part:
                shutil.copyfile(weights, part)
        return name

    def _numbers(self) -> list[int]:
        matches = [
            re.fullmatch(r"model_v(\d+)\.pt", path.name) for path in self.folder.glob("*.pt")
        ]
        return sorted(int(match[1]) for match in matches if match)


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
    def options(self) -> dict[str, Any]:
        """What an annotator may choose, with the defaults."""
        return read_json(self.folder / INFERENCE).get("displayable_configs", {})

    @property
    def labels(self) -> list[Label]:
        """Its classes, background first."""
        return read_labels(self.about["labels"])

    def segmenter(self, weights: Path, options: Mapping[str, Any]) -> Segmenter:
        """Return its network with a version of its weights and values for its options."""
        changes = {f"displayable_configs#{name}": value for name, value in options.items()}
        return load_segmenter(self.folder / INFERENCE, weights, changes)


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
        versions = ", ".join(models.names()) or "no weights yet: submit labels and train it"
        logger.info("%s: %s", name, versions)
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
