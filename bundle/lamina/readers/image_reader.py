"""MONAI readers for images and masks, to be named in ``LoadImaged``.

``{"_target_": "LoadImaged", "keys": "image", "reader": {"_target_": "lamina.readers.CaseReader"},
"ensure_channel_first": true, "image_only": true, "expanduser": false}``
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from monai.config import PathLike
from monai.data import ImageReader, MetaTensor
from monai.data.utils import to_affine_nd
from monai.utils import MetaKeys, SpaceKeys, ensure_tuple
from numpy.typing import NDArray

from lamina.errors import ReadError
from lamina.readers.dicom_rules import SeriesRules
from lamina.readers.grid import Grid, require_pixel_size, with_pixel_size
from lamina.readers.images import read_image, read_label
from lamina.readers.pictures import MAX_PIXELS
from lamina.readers.source import Source


class _OneImageReader(ImageReader):
    """A reader whose `read` only hands the path on.

    MONAI's LoadImage wraps what `read` raises in a text about missing libraries, but lets pass
    what `get_data` raises.
    """

    def verify_suffix(self, filename: Sequence[PathLike] | PathLike) -> bool:
        """Accept any name: the format is found when the file is read."""
        return True

    def read(self, data: Sequence[PathLike] | PathLike, **kwargs: Any) -> Sequence[str]:
        """Return the addresses to be read, unopened; a source keeps what it carries."""
        return [Source.of(address) for address in ensure_tuple(data)]


class CaseReader(_OneImageReader):
    """Reads the image of a case: NIfTI, NRRD, MetaImage, a picture or a DICOM series.

    Parameters
    ----------
    channels
        1 for grey values, 3 for the colours of a picture.
    max_pixels
        Largest picture that is decoded.
    pixel_size
        Width and height in mm of a picture's pixels, where the picture does not say it.
    rules
        What is done with a DICOM series that is not regular, or the arguments of `SeriesRules`.
    """

    def __init__(
        self,
        channels: int = 1,
        max_pixels: int = MAX_PIXELS,
        pixel_size: Sequence[float] | None = None,
        rules: SeriesRules | Mapping[str, Any] | None = None,
    ) -> None:
        self.channels = channels
        self.max_pixels = max_pixels
        require_pixel_size(pixel_size)
        self.pixel_size = pixel_size
        self.rules = SeriesRules.of(rules)

    def get_data(self, img: Sequence[str]) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Return values (x, y[, z][, 3]) and MONAI's metadata; raises as `read_image` does."""
        values, grid = read_image(
            _one_address(img),
            channels=self.channels,
            max_pixels=self.max_pixels,
            rules=self.rules,
        )
        return values, _metadata(values, with_pixel_size(grid, self.pixel_size))


class LabelReader(_OneImageReader):
    """Reads the mask of a case as class values.

    Parameters
    ----------
    values
        What the file holds and the class value that it stands for: {"0": 0, "255": 1}, or colours
        {"#000000": 0, "#ff0000": 1}, or of a DICOM SEG the segments' labels or numbers
        {"Liver": 1}. Without it the file's values are the class values.
    max_pixels
        Largest picture that is decoded.
    """

    def __init__(
        self, values: Mapping[str, int | str] | None = None, max_pixels: int = MAX_PIXELS
    ) -> None:
        self.values = values
        self.max_pixels = max_pixels

    def get_data(self, img: Sequence[str]) -> tuple[NDArray[np.int32], dict[str, Any]]:
        """Return class values (x, y[, z]) and MONAI's metadata; raises as `read_label` does."""
        values, grid = read_label(_one_address(img), self.values, max_pixels=self.max_pixels)
        return values, _metadata(values, grid)


def grid_of(image: MetaTensor) -> Grid:
    """Return the grid of an image (channels, x, y[, z]) by its affine and its metadata.

    >>> grid_of(MetaTensor(np.zeros((1, 5, 7)), affine=np.diag([0.5, 0.2, 1, 1])))
    Grid(shape=(5, 7), affine=..., unit='mm')
    """
    affine = to_affine_nd(3, np.asarray(image.affine, dtype=float))
    return Grid(tuple(image.shape[1:]), affine, image.meta.get("spacing_unit", "mm"))


def _one_address(addresses: Sequence[str]) -> str:
    if len(addresses) != 1:
        raise ReadError(f"{', '.join(addresses)}: several files, expected one image")
    return addresses[0]


def _metadata(values: NDArray[Any], grid: Grid) -> dict[str, Any]:
    # NaN is how MONAI writes "no channel axis".
    channel_axis = float("nan") if values.ndim == len(grid.shape) else -1
    return {
        MetaKeys.AFFINE: grid.affine.copy(),
        MetaKeys.ORIGINAL_AFFINE: grid.affine.copy(),
        MetaKeys.SPACE: SpaceKeys.RAS,
        MetaKeys.SPATIAL_SHAPE: np.array(grid.shape),
        MetaKeys.ORIGINAL_CHANNEL_DIM: channel_axis,
        "spacing_unit": grid.unit,
    }
