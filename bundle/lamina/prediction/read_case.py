"""A case as the network gets it, its image as it stands on disk, and its account."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ignite.engine import Engine
from monai.data import MetaTensor, list_data_collate
from monai.transforms import Compose, LoadImaged
from monai.utils import MetaKeys, convert_to_numpy
from numpy.typing import NDArray

from lamina.cases.fingerprint import hash_files
from lamina.errors import ReadError
from lamina.readers.grid import Grid
from lamina.readers.images import read_image
from lamina.readers.source import Source


@dataclass(frozen=True)
class ReadCase:
    """What reading and preprocessing made of a case.

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

    def source(self, address: str) -> tuple[NDArray[np.float32], Grid]:
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


def read_case(transform: Callable[[Any], Any], item: Mapping[str, Any]) -> ReadCase:
    """Read and preprocess one case; ``transform`` is that of a MONAI data set.

    Examples
    --------
    >>> read_case(lambda item: item, {"image": 3}).item
    {'image': 3}
    """
    started = time.perf_counter()
    loader = _loader(transform)
    if loader is None or not isinstance(transform, Compose):
        return ReadCase(transform(item), None, False, 0, time.perf_counter() - started)
    begun = transform(item, end=1)
    loaded, version = begun["image"], begun["image"]._version
    made = transform(begun, start=1)
    first = loader._loader.ensure_channel_first
    return ReadCase(made, loaded, first, version, time.perf_counter() - started)


def _loader(transform: Any) -> LoadImaged | None:
    """Return the transform that reads the image, if it is the first one."""
    first = transform.transforms[0] if isinstance(transform, Compose) else None
    return first if isinstance(first, LoadImaged) and "image" in first.keys else None


def cases_of(engine: Engine) -> Sequence[dict[str, Any]]:
    """Return a dict a case: what the data set gave, and over it what the network made of it."""
    state: Any = engine.state
    pairs = zip(state.batch, state.output, strict=True)
    return [dict(given) | dict(made) for given, made in pairs]


def predict_item(evaluator: Any, item: Any) -> Any:
    """Return what an evaluator makes of one item that went through its preprocessing."""
    evaluator.data_loader = [list_data_collate([item])]
    evaluator.state.epoch_length = None
    # Else ignite would take up after an exception where it was left.
    evaluator.interrupt_resume_enabled = False
    evaluator.run()
    output = evaluator.state.output
    return output[0] if isinstance(output, list) else output


Item = Mapping[str, Any]


def content_hash(item: Item) -> str:
    """Return a hash of a case's files.

    A region that another task found belongs to them.
    """
    try:
        return hash_files(*(item[name] for name in ("image", "within") if name in item))
    except (OSError, ReadError) as error:
        return str(error)


def source_files(address: str) -> dict[str, Any]:
    """Return what the manifest says of a source: its files, and the UID of a series."""
    source = Source.of(address)
    uid = {"series_uid": source.slices[0].uid} if source.is_dicom else {}
    return {"files": [str(file) for file in source.files], **uid}


class CaseWarnings(logging.Handler):
    """Collect the warnings of a logger into a list, for as long as the context lasts.

    Examples
    --------
    >>> heard: list[str] = []
    >>> with CaseWarnings(heard, logging.getLogger("doc")):
    ...     logging.getLogger("doc").warning("slices are missing")
    >>> heard
    ['slices are missing']
    """

    def __init__(self, into: list[str], logger: logging.Logger) -> None:
        super().__init__(logging.WARNING)
        self.into = into
        self.logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a warning, in one line; errors are told elsewhere."""
        if record.levelno == logging.WARNING:
            self.into.append(record.getMessage().replace("\n", " "))

    def __enter__(self) -> None:
        self.logger.addHandler(self)

    def __exit__(self, *_: object) -> None:
        self.logger.removeHandler(self)
