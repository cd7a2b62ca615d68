"""The second of two steps: an image cut to what the first one found."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import LoadImaged, MapTransform, SpatialCrop
from monai.utils import convert_to_numpy

from lamina.cases import LabelReader
from lamina.cases.regions import MARGIN, outside_value, region_box, without_holes


class CutToRegiond(MapTransform):
    """Cut images to the box around a region, and blank what lies outside it.

    The crop is recorded in the image, so that a result returns to where it was cut from.

    Parameters
    ----------
    keys
        Images (channels, x, y[, z]).
    region_key
        The label image (1, x, y[, z]) whose values above 0 are the region; it is taken away.
    margin
        How much of the region's own extent is kept around it on each side.

    Examples
    --------
    >>> from monai.data import MetaTensor
    >>> image, region = MetaTensor(torch.ones(1, 9, 8)), MetaTensor(torch.zeros(1, 9, 8))
    >>> region[:, 2:4, 3:7] = 1
    >>> CutToRegiond("image", margin=0.0)({"image": image, "within": region})["image"].shape
    torch.Size([1, 2, 4])
    """

    def __init__(
        self, keys: KeysCollection, region_key: str = "within", margin: float = MARGIN
    ) -> None:
        super().__init__(keys)
        self.region_key = region_key
        self.margin = margin

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its images cut."""
        item = dict(data)
        region = without_holes(convert_to_numpy(item.pop(self.region_key))[0] > 0)
        box = region_box(region, self.margin)
        outside = torch.as_tensor(~region[box])
        cut = SpatialCrop(roi_start=[s.start for s in box], roi_end=[s.stop for s in box])
        for key in self.key_iterator(item):
            blank = outside_value(item[key])
            image = cut(item[key])
            item[key] = torch.where(outside[None].to(image.device), blank, image)
        return item


def within(transforms: Sequence[Any], regions: str | None, margin: float = MARGIN) -> Sequence[Any]:
    """Let a task's preprocessing work within regions: they are read and cut to after its readers.

    Parameters
    ----------
    transforms
        The task's preprocessing.
    regions
        The folder that the items' ``within`` lies in; None leaves the preprocessing as it is.
    margin
        As `CutToRegiond` takes it.
    """
    if regions is None:
        return transforms
    read = [at for at, one in enumerate(transforms) if isinstance(one, LoadImaged)]
    place = max(read, default=-1) + 1
    # MONAI takes a reader's object, though it says a class or a name.
    reader: Any = LabelReader()
    load = LoadImaged("within", reader=reader, ensure_channel_first=True, image_only=True)
    return [*transforms[:place], load, CutToRegiond("image", margin=margin), *transforms[place:]]
