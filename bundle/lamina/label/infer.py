"""Inference as MONAI Label asks for it."""

import logging
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lamina.errors import ConfigError
from lamina.label.monai_label import InferTask, InferType
from lamina.label.segment_names import names_present
from lamina.label.work import ServedTask
from lamina.prediction.segmenter import Segmenter
from lamina.readers.grid import lps_to_ras
from lamina.tasks.config_text import is_live
from lamina.tasks.dimensions import for_dims
from lamina.writers.label_files import save_label_image, save_nifti
from lamina.writers.nrrd import write_nrrd
from lamina.writers.segmented_case import SegmentedCase

logger = logging.getLogger("lamina")

EXTENSIONS = (".nii.gz", ".seg.nrrd", ".png")


class LaminaInferTask(InferTask):
    """Segments an image of the studies with a task's weights.

    The network stays in memory until other weights or options are asked for.

    Parameters
    ----------
    task
        The task.
    results
        Where results are written; the server removes each when it is sent.
    """

    def __init__(self, task: ServedTask, results: Path) -> None:
        self.task = task
        self.results = results
        self.options = task.options
        super().__init__(
            type=InferType.SEGMENTATION,
            labels={label.name: label.value for label in task.labels[1:]},
            dimension=len(_window(task)),
            description=str(task.about["title"]),
        )
        self._ready: tuple[Any, Segmenter] | None = None

    def is_valid(self) -> bool:
        """Say whether it has weights."""
        return bool(self.task.models.names())

    def get_path(self, validate: bool = True) -> str | None:
        """Return the file of the weights, which clients may ask for."""
        path = self.task.models.current
        return str(path) if path.is_file() or not validate else None

    def config(self) -> dict[str, Any]:
        """Return what an annotator may choose, with the defaults."""
        return {**self.options, "model_filename": self.task.models.names()}

    def info(self) -> dict[str, Any]:
        """Return what clients show of the model."""
        colors = {label.name: list(label.color) for label in self.task.labels[1:]}
        return {**super().info(), "label_colors": colors}

    def __call__(self, request: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Segment ``request["address"]``; return the file and what is in it.

        Raises
        ------
        ConfigError
            If an option's value or the asked format makes no sense.
        WeightsError
            If there are no weights.
        LaminaError
            If the image can't be read or is not what the network takes.
        """
        started = time.perf_counter()
        case = self.segmenter(request).segment(str(request["address"]), str(request["name"]))
        path = write_result(case, self.results, str(request.get("result_extension") or ""))
        seconds = round(time.perf_counter() - started, 2)
        logger.info("%s: %s segmented in %s s", self.task.name, case.name, seconds)
        present = names_present(case.label, case.labels)
        colors = {label.name: list(label.color) for label in case.labels if label.name in present}
        return str(path), {
            "label_names": present,
            "label_colors": colors,
            "latencies": {"total": seconds},
        }

    def segmenter(self, request: Mapping[str, Any]) -> Segmenter:
        """Return the network with the weights and options of a request."""
        weights = self.task.models.file(_chosen(request.get("model_filename")))
        options = {name: _value(name, request, self.options[name]) for name in self.options}
        key = (weights, weights.stat().st_mtime_ns, options)
        if self._ready is None or self._ready[0] != key:
            self._ready = (key, self.task.segmenter(weights, options))
        return self._ready[1]


def write_result(case: SegmentedCase, folder: Path, extension: str) -> Path:
    """Write a label map in the format a client asks for; without, PNG for pictures, else NIfTI.

    Raises
    ------
    ConfigError
        If there is no such format, or PNG is asked for of a volume.
    """
    picture = case.label.ndim == 2
    extension = extension or (".png" if picture else ".nii.gz")
    name = f"{case.name}-{uuid.uuid4().hex[:12]}"
    if extension not in EXTENSIONS or (extension == ".png" and not picture):
        raise ConfigError(
            f"result_extension {extension!r} of {case.name}",
            f"choose from {', '.join(EXTENSIONS)}; .png is for pictures",
        )
    if extension == ".seg.nrrd":
        written = write_nrrd(case, folder)[0]
        return written.rename(folder / f"{name}.seg.nrrd")
    if extension == ".png":
        return save_label_image(case.label, case.affine, folder, name)
    # ITK, and with it 3D Slicer, gives a picture the identity in LPS.
    affine = lps_to_ras(np.eye(4)) if picture and not case.has_spacing else case.affine
    unit = "mm" if case.has_spacing else "unknown"
    return save_nifti(case.label, affine, unit, folder / f"{name}.nii.gz")


def _window(task: ServedTask) -> list[int]:
    return list(for_dims(task.about["window_size"], task.about["spatial_dims"], "window_size"))


def _chosen(name: Any) -> str:
    """Return what was chosen: a client that chose nothing sends the whole list, or nothing."""
    first = name[0] if isinstance(name, list) and name else name
    return str(first or "model.pt")


def _value(name: str, request: Mapping[str, Any], default: Any) -> Any:
    """Return an option as a request has it, of the default's kind."""
    given = request.get(name, default)
    if isinstance(default, bool):
        if isinstance(given, bool) or str(given).lower() in ("true", "false"):
            return str(given).lower() == "true"
        raise ConfigError(f"{name}: {given!r}", "send true or false")
    if isinstance(given, str) and is_live(given):
        raise ConfigError(f"{name}: {given!r}", "send a value: texts that run are for configs")
    try:
        return type(default)(given)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{name}: {given!r}", f"send a number such as {default}") from error
