"""All that a running server has: its models, its workers, its jobs and its temporary files."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lamina.errors import LaminaError, find_cause
from lamina.temporary import temporary_folder
from lamina.web.descriptions import ModelState
from lamina.web.jobs import Job, Jobs
from lamina.web.served_models import ServedModel, ServedModels
from lamina.web.settings import Settings
from lamina.web.worker import Worker

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lamina.web.mask_editor import MaskEditor
    from lamina.web.uploads import Upload
    from lamina.writers.segmented_case import SegmentedCase

logger = logging.getLogger("lamina")


@dataclass(frozen=True)
class ResultFile:
    """A segmentation as one file, as a client gets it."""

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


class AppState:
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
        self.models = ServedModels(settings)
        # Uploads of weights and predictions of pictures wait for each other.
        self.pictures = Worker("pictures", limits.waiting)
        self.volumes = Worker("volumes", limits.waiting)
        self.uploads = Worker("uploads", limits.waiting, threads=2)
        self.masks = Worker("masks", limits.bodies)
        self._mask_editor: MaskEditor | None = None
        self._proposal: tuple[str, ServedModel, NDArray[np.integer]] | None = None
        self.jobs = Jobs(self.pictures, self.volumes, limits)
        self._temporary = ExitStack()
        self.folder = self._temporary.enter_context(temporary_folder())
        self.model: ModelState | None = None
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
        for worker in (self.uploads, self.masks, self.pictures, self.volumes):
            worker.close()
        self._temporary.close()

    def _load(self) -> None:
        try:
            self.model = self.models.start().describe()
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

    def new_folder(self) -> Path:
        """Return a new empty folder, which the caller removes."""
        return Path(tempfile.mkdtemp(dir=self.folder))

    def store_upload(self, files: list[tuple[str, BinaryIO]], folder: Path) -> Upload:
        """Store what a client sent and return it as an image; see `lamina.web.uploads`."""
        from lamina.web.uploads import open_upload, store

        shown = Path(files[0][0]).name or "image"
        return open_upload(store(files, folder), shown, self.settings.limits)

    def segment_picture(
        self, upload: Upload, task: str | None, form: str, folder: Path
    ) -> ResultFile:
        """Segment a picture and return the result in one format; runs in the pictures' worker."""
        from lamina.web.results import overlay_png, write_one
        from lamina.web.uploads import named

        model = self.models.get(task)
        with named(folder, upload.shown):
            case = model.segment(upload.address, upload.name)
            if form == "overlay":
                return ResultFile(overlay_png(case), MEDIA_TYPES[form], f"{case.name}.png")
            if form == "json":
                return ResultFile(_json(case, model), MEDIA_TYPES[form], f"{case.name}.json")
            file = write_one(case, form, folder)
        return ResultFile(file.read_bytes(), MEDIA_TYPES[form], file.name)

    async def submit(self, upload: Upload, task: str | None, folder: Path) -> Job:
        """Queue an image with the model that is the task's now."""
        model = await self.pictures.run(self.models.get, task)
        return self.jobs.submit(model, upload, folder)

    def mask_editor(self) -> MaskEditor:
        """Return the editor of the folder to draw masks for; runs in the masks' worker.

        Raises
        ------
        DataError
            If none was named.
        """
        from lamina.errors import DataError
        from lamina.web.mask_editor import MaskEditor

        if self.settings.dataset_dir is None:
            raise DataError(
                "no folder to draw masks for was named",
                "start `lamina serve --dataset-dir DIR`, where DIR holds images",
            )
        if self._mask_editor is None:
            self._mask_editor = MaskEditor(self.settings.dataset_dir, self.models.default_task())
        return self._mask_editor

    def results_dir(self) -> Path:
        """Return the folder whose results are shown: the one that was named, or the run's."""
        from lamina.tasks.catalogue import CHECKOUT

        if self.settings.results_dir is not None:
            return self.settings.results_dir
        if self.settings.run_dir is not None:
            return Path(self.settings.run_dir).expanduser().resolve()
        return CHECKOUT / "runs" / str(self.models.default_task()["name"])

    async def propose(self, address: str, task: str | None) -> NDArray[np.integer]:
        """Return a model's label map for an image of the folder; the last one is kept."""
        model = await self.pictures.run(self.models.get, task)
        if self._proposal is None or self._proposal[:2] != (address, model):
            case = await self.volumes.run(model.segment, address, "proposal", "volume")
            self._proposal = (address, model, case.label)
        return self._proposal[2]

    def upload_weights(self, task: str | None, content: BinaryIO, shown: str) -> None:
        """Let weights take the place of a model; runs in the pictures' worker."""
        from lamina.web.uploads import named

        folder = self.new_folder()
        try:
            path = folder / "weights.pth"
            with path.open("wb") as file:
                shutil.copyfileobj(content, file)
            with named(folder, shown):
                model = self.models.upload(task, path, shown, self.settings.limits.model)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        self._update(model)

    def revert_weights(self, task: str | None) -> None:
        """Go back to the model of the start; runs in the pictures' worker."""
        self._update(self.models.revert(task))

    def _update(self, model: ServedModel) -> None:
        if self.model is None or model.task["name"] == self.model["task"]:
            self.model = model.describe()


def _json(case: SegmentedCase, model: ServedModel) -> bytes:
    from lamina.web.results import describe_case

    return json.dumps({**describe_case(case), "model": model.describe()}).encode()
