"""A case as the network gets it, and its image as it stands on disk."""

import time
from collections.abc import Callable, Mapping
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
