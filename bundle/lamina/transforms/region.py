"""Parts of an image: the region of a case, the foreground, and where another task found something."""

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import LoadImaged, MapTransform, SpatialCrop, Transform
from monai.utils import convert_to_numpy
from skimage.filters import threshold_otsu

from lamina.cases.regions import MARGIN, outside_value, region_box, without_holes
from lamina.errors import DataError
from lamina.readers.image_reader import LabelReader


class RegionOfCased(Transform):
    """Name the file of a case's region of interest, which lies beside the folder of its image.

    The image may be read already: MONAI keeps its path in ``meta``. An image ``DIR/images/a.nii.gz`` has its region in ``DIR/regions/a.nii.gz``. Only a case with a
    label has one: regions say where patches are cut in training (`RandPatchd`).

    Parameters
    ----------
    folder
        The folder of regions.

    Raises
    ------
    DataError
        If a case with a label has no region.

    Examples
    --------
    >>> RegionOfCased()({"image": "a/images/x.nii.gz"})
    {'image': 'a/images/x.nii.gz'}
    """

    def __init__(self, folder: str = "regions") -> None:
        self.folder = folder

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with ``region``, where it has a label."""
        made = dict(data)
        if "label" in made:
            read: Any = made["image"]
            image = Path(read.meta["filename_or_obj"] if hasattr(read, "meta") else read)
            path = image.parent.parent / self.folder / image.name
            if not path.is_file():
                raise DataError(
                    f"{image}: no region of interest in {path}",
                    "make the data set with `lamina prepare retouch`",
                )
            made["region"] = str(path)
        return made


def above_otsu(image: torch.Tensor) -> torch.Tensor:
    """Return where an image is above Otsu's threshold (1979); everywhere if it has one value only.

    It is meant as ``select_fn`` of MONAI's ``CropForegroundd``, whose box it bounds: the crop is
    known to the image, so that a result returns to where it was cut from.

    Examples
    --------
    >>> above_otsu(torch.tensor([[0.0, 0.0, 9.0, 10.0]])).tolist()
    [[False, False, True, True]]
    """
    threshold = threshold_otsu(convert_to_numpy(image))
    mask = torch.as_tensor(image > threshold)
    return mask if mask.any() else torch.ones_like(mask)


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
