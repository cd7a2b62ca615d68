"""Regions of an image: the region of a case, the foreground, and the structures of another task."""

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
    """Add the file of a case's region of interest, in a folder beside that of its image.

    The image may be read already: MONAI keeps its path in ``meta``. An image
    ``DIR/images/a.nii.gz`` has its region in ``DIR/regions/a.nii.gz``. Only cases with a label
    have one: `RandPatchd` cuts patches in it in training.

    ``folder``: the folder of regions.

    Raises DataError if a case with a label has no region.

    >>> RegionOfCased()({"image": "a/images/x.nii.gz"})
    {'image': 'a/images/x.nii.gz'}
    """

    def __init__(self, folder: str = "regions") -> None:
        self.folder = folder

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with ``region``, where it has a label."""
        item = dict(data)
        if "label" in item:
            source: Any = item["image"]
            image = Path(source.meta["filename_or_obj"] if hasattr(source, "meta") else source)
            path = image.parent.parent / self.folder / image.name
            if not path.is_file():
                raise DataError(
                    f"{image}: no region of interest in {path}",
                    "make the data set with `lamina prepare retouch`",
                )
            item["region"] = str(path)
        return item


def above_otsu(image: torch.Tensor) -> torch.Tensor:
    """Return where an image is above Otsu's threshold (1979); everywhere if it has one value only.

    It is meant as ``select_fn`` of MONAI's ``CropForegroundd``.

    >>> above_otsu(torch.tensor([[0.0, 0.0, 9.0, 10.0]])).tolist()
    [[False, False, True, True]]
    """
    threshold = threshold_otsu(convert_to_numpy(image))
    mask = torch.as_tensor(image > threshold)
    return mask if mask.any() else torch.ones_like(mask)


class CropToRegiond(MapTransform):
    """Crop images to the box around a region, and blank the voxels outside of the region.

    The crop is recorded in the image, so that results can be inverted.

    Parameters
    ----------
    keys
        Images (channels, x, y[, z]).
    region_key
        The label image (1, x, y[, z]) whose values above 0 are the region; it is removed from the
        item.
    margin
        Fraction of the region's own extent that is kept around it on each side.

    Examples
    --------
    >>> from monai.data import MetaTensor
    >>> image, region = MetaTensor(torch.ones(1, 9, 8)), MetaTensor(torch.zeros(1, 9, 8))
    >>> region[:, 2:4, 3:7] = 1
    >>> CropToRegiond("image", margin=0.0)({"image": image, "within": region})["image"].shape
    torch.Size([1, 2, 4])
    """

    def __init__(
        self, keys: KeysCollection, region_key: str = "within", margin: float = MARGIN
    ) -> None:
        super().__init__(keys)
        self.region_key = region_key
        self.margin = margin

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its images cropped."""
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


def crop_to_region(
    transforms: Sequence[Any], regions: str | None, margin: float = MARGIN
) -> Sequence[Any]:
    """Insert reading of regions and the crop to them into a task's preprocessing, after its readers.

    Parameters
    ----------
    transforms
        The task's preprocessing.
    regions
        The folder that the items' ``within`` lies in; None leaves the preprocessing as it is.
    margin
        As in `CropToRegiond`.
    """
    if regions is None:
        return transforms
    readers = [at for at, step in enumerate(transforms) if isinstance(step, LoadImaged)]
    start = max(readers, default=-1) + 1
    # MONAI accepts a reader's object, though its annotation is a class or a name.
    reader: Any = LabelReader()
    load = LoadImaged("within", reader=reader, ensure_channel_first=True, image_only=True)
    return [*transforms[:start], load, CropToRegiond("image", margin=margin), *transforms[start:]]
