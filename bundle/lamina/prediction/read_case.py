"""A case as the network gets it, its image as it stands on disk, and the warnings about it."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ignite.engine import Engine
from monai.data import MetaTensor
from monai.transforms import Compose, LoadImaged
from monai.utils import MetaKeys, convert_to_numpy
from numpy.typing import NDArray

from lamina.cases.fingerprint import hash_files
from lamina.errors import DataError, ReadError, find_cause, reason_of
from lamina.prediction.manifest import SourceRecord
from lamina.readers.grid import Grid
from lamina.readers.images import read_image
from lamina.readers.source import Source

Item = Mapping[str, Any]


@dataclass(frozen=True)
class ReadCase:
    """A case after reading and preprocessing.

    Parameters
    ----------
    item
        What the network gets.
    loaded
        The image as it was read, None where the preprocessing does not begin with ``LoadImaged``.
    channels_first
        Whether its channels, if it has any, are the first axis.
    version
        How often ``loaded`` had been written to by then, as torch counts it.
    seconds
        That all of it took.
    """

    item: Any
    loaded: MetaTensor | None
    channels_first: bool
    version: int
    seconds: float

    def original(self, address: str) -> tuple[NDArray[np.float32], Grid]:
        """Return the image's values as read, (channels, x, y[, z]), and its grid.

        It is read again only where it is not at hand, or a transform wrote into it.
        """
        if self.loaded is None or self.loaded._version != self.version:
            values, grid = read_image(address)
            return values[None], grid
        values, meta = convert_to_numpy(self.loaded.as_tensor()), self.loaded.meta
        shape = tuple(int(n) for n in meta[MetaKeys.SPATIAL_SHAPE])
        if values.ndim == len(shape):
            values = values[None]
        elif not self.channels_first:
            values = np.moveaxis(values, -1, 0)
        affine = np.asarray(meta[MetaKeys.ORIGINAL_AFFINE], dtype=float)
        return values, Grid(shape, affine, meta["spacing_unit"])


def read_case(transform: Callable[[Any], Any], item: Item, task: str) -> ReadCase:
    """Read and preprocess one case.

    Parameters
    ----------
    transform
        The task's preprocessing.
    item
        ``image``, the source, and what else the preprocessing reads.
    task
        The task's name.

    Raises
    ------
    LaminaError
        If the image can't be read, or is none that this preprocessing is made for.

    Examples
    --------
    >>> read_case(lambda item: item, {"image": 3}, "lung").item
    {'image': 3}
    """
    try:
        return _read_case(transform, item)
    except Exception as error:
        raise find_cause(error) or DataError(
            f"{item['image']}: the preprocessing of {task} does not take it: {reason_of(error)}",
            "choose a task that is made for such images",
        ) from error


def _read_case(transform: Callable[[Any], Any], item: Item) -> ReadCase:
    started = time.perf_counter()
    loader = _loader(transform)
    if loader is None or not isinstance(transform, Compose):
        return ReadCase(transform(item), None, False, 0, time.perf_counter() - started)
    begun = transform(item, end=1)
    loaded, version = begun["image"], begun["image"]._version
    finished = transform(begun, start=1)
    first = loader._loader.ensure_channel_first
    return ReadCase(finished, loaded, first, version, time.perf_counter() - started)


def _loader(transform: Any) -> LoadImaged | None:
    """Return the transform that reads the image, if it is the first one."""
    first = transform.transforms[0] if isinstance(transform, Compose) else None
    return first if isinstance(first, LoadImaged) and "image" in first.keys else None


def cases_of(engine: Engine) -> Sequence[dict[str, Any]]:
    """Return a dict a case: the item of the data set, and over it the network's outputs."""
    state: Any = engine.state
    pairs = zip(state.batch, state.output, strict=True)
    return [dict(item) | dict(outputs) for item, outputs in pairs]


def content_hash(item: Item) -> str:
    """Return a hash of a case's files.

    The region that another task segmented is one of them.
    """
    try:
        return hash_files(*(item[name] for name in ("image", "within") if name in item))
    except (OSError, ReadError) as error:
        return str(error)


def source_files(address: str) -> SourceRecord:
    """Return the manifest's entry of a source: its files, and the UID of a series."""
    source = Source.of(address)
    record: SourceRecord = {"address": str(source), "files": [str(file) for file in source.files]}
    if source.is_dicom:
        record["series_uid"] = source.slices[0].uid
    return record


class CaseWarnings(logging.Handler):
    """Collect the warnings that this thread gives a logger, for as long as the context lasts.

    Other threads read other cases meanwhile: what they warn of is no matter of this case.

    Examples
    --------
    >>> warnings: list[str] = []
    >>> with CaseWarnings(warnings, logging.getLogger("doc")):
    ...     logging.getLogger("doc").warning("slices are missing")
    >>> warnings
    ['slices are missing']
    """

    def __init__(self, into: list[str], logger: logging.Logger) -> None:
        super().__init__(logging.WARNING)
        self.into = into
        self.logger = logger
        self.own_thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a warning, in one line; errors are logged elsewhere."""
        if record.levelno == logging.WARNING and record.thread == self.own_thread:
            self.into.append(record.getMessage().replace("\n", " "))

    def __enter__(self) -> None:
        self.logger.addHandler(self)

    def __exit__(self, *_: object) -> None:
        self.logger.removeHandler(self)
