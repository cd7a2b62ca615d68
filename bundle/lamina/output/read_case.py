"""A case as the network gets it, and its image as it stands on disk."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from monai.data import MetaTensor
from monai.transforms import Compose, LoadImaged
from monai.utils import MetaKeys, convert_to_numpy
from numpy.typing import NDArray

from lamina.cases import Grid, read_image


@dataclass(frozen=True)
class ReadCase:
    """What reading and preprocessing made of a case.

    Parameters
    ----------
    item
        What the network gets.
    loaded
        The image as it was read, None where the data set does not begin with ``LoadImaged``.
    version
        How often ``loaded`` had been written to by then, as torch counts it.
    seconds
        That all of it took.
    """

    item: Any
    loaded: MetaTensor | None
    version: int
    seconds: float

    def source(self, address: str) -> tuple[NDArray[np.float32], Grid]:
        """Return the image's values as read, (channels, x, y[, z]), and its grid.

        It is read again only where it is not at hand, or a transform wrote into it.
        """
        if self.loaded is None or self.loaded._version != self.version:
            values, grid = read_image(address)
            return values[None], grid
        values = convert_to_numpy(self.loaded.as_tensor())
        meta = self.loaded.meta
        with_channels = values.ndim > len(meta[MetaKeys.SPATIAL_SHAPE])
        values = np.moveaxis(values, -1, 0) if with_channels else values[None]
        affine = np.asarray(meta[MetaKeys.ORIGINAL_AFFINE], dtype=float)
        return values, Grid(values.shape[1:], affine, meta["spacing_unit"])


def read_case(dataset: Any, index: int) -> ReadCase:
    """Read and preprocess one case of a MONAI data set.

    Examples
    --------
    >>> from monai.data import Dataset
    >>> read_case(Dataset([{"image": 3}], lambda item: item), 0).item
    {'image': 3}
    """
    started = time.perf_counter()
    transform = getattr(dataset, "transform", None)
    loaded = None
    if isinstance(transform, Compose) and transform.transforms and _loads(transform.transforms[0]):
        item = transform(dataset.data[index], end=1)
        loaded = item["image"]
        version = loaded._version
        item = transform(item, start=1)
    else:
        item, version = dataset[index], 0
    return ReadCase(item, loaded, version, time.perf_counter() - started)


def _loads(transform: Any) -> bool:
    return isinstance(transform, LoadImaged) and "image" in transform.keys
