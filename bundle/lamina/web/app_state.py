"""All that a running server has: its models, its workers, its jobs and its temporary files."""

import asyncio
import logging
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from lamina.errors import LaminaError, find_cause
from lamina.web.jobs import Job, Jobs
from lamina.web.served_models import Models
from lamina.web.settings import Settings
from lamina.web.worker import Worker

logger = logging.getLogger("lamina")


@dataclass(frozen=True)
class Answer:
    """A result as one file."""

    content: bytes
    media_type: str
    name: str


MEDIA_TYPES = {
    "overlay": "image/png",
    "json": "application/json",
    "png": "image/png",
    "nifti": "application/gzip",
    "nrrd": "application/octet-stream",
    "dicomseg": "application/dicom",
}


class Studio:
    """What the routes work with.

    Parameters
    ----------
    settings
        What the server was started with.
    on_failure
        Called with the reason if the model can't be loaded.
    """

    def __init__(
        self, settings: Settings, on_failure: Callable[[LaminaError], None] | None = None
    ) -> None:
        self.settings = settings
        limits = settings.limits
        self.models = Models(settings)
        # Uploads of weights and predictions of pictures wait for each other.
        self.pictures = Worker("pictures", limits.waiting)
        self.volumes = Worker("volumes", limits.waiting)
        self.opening = Worker("opening", limits.waiting, threads=2)
        self.drawing = Worker("drawing", limits.bodies)
        self._drawing: Any = None
        self._proposed: tuple[Any, ...] = ()
        self.jobs = Jobs(self.pictures, self.volumes, limits)
        self.room = Path(tempfile.mkdtemp(prefix="lamina-serve-"))
        self.described: dict[str, Any] | None = None
        self.problem: str | None = None
        self._on_failure = on_failure
        self._is_loaded = threading.Event()

    def start(self) -> None:
        """Begin to load the model, in the background."""
        self.pictures.submit(self._load)

    def close(self) -> None:
        """End the workers and remove what is temporary."""
        for job in self.jobs.all():
            job.removed = True
        for worker in (self.opening, self.drawing, self.pictures, self.volumes):
            worker.close()
        shutil.rmtree(self.room, ignore_errors=True)

    def _load(self) -> None:
        try:
            self.described = self.models.start().describe()
        except Exception as error:  # noqa: BLE001 - it is told where the server was started
            cause = find_cause(error) or LaminaError(f"{type(error).__name__}: {error}")
            self.problem = str(cause)
            if self._on_failure:
                self._on_failure(cause)
        finally:
            self._is_loaded.set()

    async def loaded(self) -> None:
        """Wait until the model is there."""
        while not self._is_loaded.is_set():
            await asyncio.sleep(0.05)

    def folder(self) -> Path:
        """Return a new empty folder, which the caller removes."""
        return Path(tempfile.mkdtemp(dir=self.room))

    def receive(self, files: list[tuple[str, BinaryIO]], folder: Path) -> Any:
        """Store what a client sent and return it as an image; see `lamina.web.uploads`."""
        from lamina.web.uploads import open_image, store

        shown = Path(files[0][0]).name or "image"
        return open_image(store(files, folder), shown, self.settings.limits)

    def answer(self, incoming: Any, task: str | None, form: str, folder: Path) -> Answer:
        """Segment a picture and return the result in one format; runs in the pictures' worker."""
        from lamina.web.results import overlay_png, write_one
        from lamina.web.uploads import named

        model = self.models.get(task)
        with named(folder, incoming.shown):
            case = model.predict(incoming.address, incoming.name)
            if form == "overlay":
                return Answer(overlay_png(case), MEDIA_TYPES[form], f"{case.name}.png")
            if form == "json":
                return Answer(_json(case, model), MEDIA_TYPES[form], f"{case.name}.json")
            file = write_one(case, form, folder)
        return Answer(file.read_bytes(), MEDIA_TYPES[form], file.name)

    async def submit(self, incoming: Any, task: str | None, folder: Path) -> Job:
        """Queue an image with the model that is the task's now."""
        model = await self.pictures.run(self.models.get, task)
        return self.jobs.submit(model, incoming, folder)

    def open_drawing(self) -> Any:
        """Return the folder to draw masks for; runs in the drawing's worker.

        Raises
        ------
        DataError
            If none was named.
        """
        from lamina.errors import DataError
        from lamina.web.mask_editor import Drawing

        if self.settings.dataset_dir is None:
            raise DataError(
                "no folder to draw masks for was named",
                "start `lamina serve --dataset-dir DIR`, where DIR holds images",
            )
        if self._drawing is None:
            self._drawing = Drawing(self.settings.dataset_dir, self.models.default_task())
        return self._drawing

    def results_dir(self) -> Path:
        """Return the folder whose results are shown: the one that was named, or the run's."""
        from lamina.tasks.catalogue import CHECKOUT

        if self.settings.results_dir is not None:
            return self.settings.results_dir
        if self.settings.run_dir is not None:
            return Path(self.settings.run_dir).expanduser().resolve()
        return CHECKOUT / "runs" / str(self.models.default_task()["name"])

    async def propose(self, address: str, task: str | None) -> Any:
        """Return a model's label map for an image of the folder; the last one is kept."""
        model = await self.pictures.run(self.models.get, task)
        asked = (address, model)
        if self._proposed[:2] != asked:
            case = await self.volumes.run(model.predict, address, "proposal", "volume")
            self._proposed = (*asked, case.label)
        return self._proposed[2]

    def upload(self, task: str | None, content: BinaryIO, shown: str) -> None:
        """Let weights take the place of a model; runs in the pictures' worker."""
        from lamina.web.uploads import named

        folder = self.folder()
        try:
            path = folder / "weights.pth"
            with path.open("wb") as file:
                shutil.copyfileobj(content, file)
            with named(folder, shown):
                model = self.models.upload(task, path, shown, self.settings.limits.model)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        self._tell(model)

    def revert(self, task: str | None) -> None:
        """Go back to the model of the start; runs in the pictures' worker."""
        self._tell(self.models.revert(task))

    def _tell(self, model: Any) -> None:
        if self.described is None or model.task["name"] == self.described["task"]:
            self.described = model.describe()


def _json(case: Any, model: Any) -> bytes:
    import json

    from lamina.web.results import describe_case

    return json.dumps(describe_case(case) | {"model": model.describe()}).encode()
