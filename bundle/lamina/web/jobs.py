"""Predictions that are asked for now and looked at later."""

from __future__ import annotations

import logging
import secrets
import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lamina.errors import find_cause
from lamina.web.descriptions import JobResult, JobState
from lamina.web.settings import Limits
from lamina.web.worker import BusyError, Worker

if TYPE_CHECKING:
    from lamina.web.served_models import ServedModel
    from lamina.web.slice_views import SliceViews
    from lamina.web.uploads import Upload
    from lamina.writers.segmented_case import SegmentedCase

logger = logging.getLogger("lamina")


class RemovedError(Exception):
    """The job was removed while it ran."""


@dataclass
class Job:
    """One image on its way through a model.

    ``folder`` holds what the client sent and what came out; ``result`` and ``views`` are there
    when it is done, ``error`` when it failed.
    """

    id: str
    name: str
    folder: Path
    state: Literal["waiting", "running", "done", "failed"] = "waiting"
    progress: float = 0.0
    error: str | None = None
    result: JobResult | None = None
    views: SliceViews | None = None
    files: dict[str, Path] = field(default_factory=dict)
    touched: float = field(default_factory=time.monotonic)
    removed: bool = False

    def describe(self) -> JobState:
        """Return what clients are told."""
        return {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "progress": round(self.progress, 3),
            "error": self.error,
            "result": self.result,
        }


class Jobs:
    """The jobs of a server; new ones take the place of the oldest results.

    Parameters
    ----------
    pictures, volumes
        What works on them.
    limits
        How many are kept, and for how long.
    """

    def __init__(self, pictures: Worker, volumes: Worker, limits: Limits) -> None:
        self._workers = {"picture": pictures, "volume": volumes}
        self._limits = limits
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def submit(self, model: ServedModel, upload: Upload, folder: Path) -> Job:
        """Queue an image; the job owns the folder from then on.

        Raises
        ------
        BusyError
            If too many wait, or too many results are being looked at.
        """
        self._tidy()
        job = Job(secrets.token_urlsafe(16), upload.shown, folder)
        kind = "volume" if upload.is_volume else "picture"
        with self._lock:
            if len(self._jobs) >= self._limits.kept_jobs:
                raise BusyError
            self._workers[kind].submit(self._work, job, model, upload, kind)
            self._jobs[job.id] = job
        return job

    def get(self, key: str) -> Job:
        """Return a job; raises ``KeyError`` if there is none of that id (any more)."""
        job = self._jobs[key]
        job.touched = time.monotonic()
        return job

    def all(self) -> list[Job]:
        """Return all jobs, the first one first."""
        return [*self._jobs.values()]

    def remove(self, key: str) -> None:
        """Forget a job and its files; one that runs ends at its next step."""
        with self._lock:
            job = self._jobs.pop(key)
        job.removed = True
        if job.state in ("done", "failed"):
            shutil.rmtree(job.folder, ignore_errors=True)

    def _tidy(self) -> None:
        """Remove results that are old, and the oldest ones where there are too many."""
        finished = [job for job in self._jobs.values() if job.state in ("done", "failed")]
        finished.sort(key=lambda job: job.touched)
        oldest = time.monotonic() - self._limits.kept_seconds
        for job in finished:
            full = len(self._jobs) >= self._limits.kept_jobs
            if full or job.touched < oldest:
                self.remove(job.id)

    def _work(self, job: Job, model: ServedModel, upload: Upload, kind: str) -> None:
        from lamina.web.uploads import named

        job.state = "running"

        def watch(fraction: float) -> None:
            job.progress = 0.95 * fraction
            if job.removed:
                raise RemovedError

        try:
            watch(0.0)
            with named(job.folder, job.name):
                _finish(job, model, model.segment(upload.address, upload.name, kind, watch))
            job.progress, job.state = 1.0, "done"
        except Exception as error:  # noqa: BLE001 - the client is told, and the others go on
            job.error, job.state = _reason(error, job), "failed"
        if job.removed:
            shutil.rmtree(job.folder, ignore_errors=True)


def _finish(job: Job, model: ServedModel, case: SegmentedCase) -> None:
    import numpy as np

    from lamina.web.results import describe_case, write_files
    from lamina.web.slice_views import SliceViews, grey_image

    files, missing = write_files(case, job.folder / "out")
    job.views = SliceViews(case)
    np.save(job.folder / "image.npy", grey_image(case.image[0]))
    np.save(job.folder / "mask.npy", case.label)
    job.files = {
        "overlay.png" if path.parent.name == "overlays" else path.name: path for path in files
    }
    job.result = {
        **describe_case(case),
        "model": model.describe(),
        "planes": job.views.describe(),
        "files": list(job.files),
        "missing": missing,
    }
    _forget_source(job.folder)


def _forget_source(folder: Path) -> None:
    """Remove what the client sent: only the result is kept."""
    for path in [folder / "unpacked", *folder.glob("image*")]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.suffix != ".npy":
            path.unlink(missing_ok=True)


def _reason(error: Exception, job: Job) -> str:
    cause = find_cause(error)
    if cause is not None:
        return str(cause)
    if job.removed:
        return "removed"
    logger.error("a job failed", exc_info=error)
    return f"{type(error).__name__}: a bug of Lamina; its log has the details"
