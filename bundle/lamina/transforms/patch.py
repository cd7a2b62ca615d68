"""Random patches of volumes, slices and pictures, all with one transform."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable
from monai.utils import convert_to_tensor

from lamina.errors import DataError
from lamina.tasks.labels import IGNORED

_TRIES = 200


class RandPatchd(Randomizable, MapTransform):
    """Cut a random patch of ``patch_size``, padded with zeros where the image is smaller.

    An image with one axis more than the patch gives a patch of a random slice along its last axis,
    so that the same data trains a 2D and a 3D network. A patch is a plain tensor without an affine,
    since MetaTensors cost more time than the crop.

    Parameters
    ----------
    keys
        Items to cut alike, each of shape (channels, x, y[, z]).
    patch_size
        Voxels along each axis of the network.
    label_key
        The label image, whose foreground patches are centred on.
    foreground
        The fraction of patches that are centred on a voxel of a random foreground class; the others
        lie anywhere where something was annotated, or in the region of interest.
    region_key
        The mask of the region of interest, of the label's shape; optional in an item.

    Examples
    --------
    >>> volume = torch.ones(1, 10, 20, 30)
    >>> cut = RandPatchd(["image", "label"], patch_size=[16, 16])
    >>> cut({"image": volume, "label": volume})["image"].shape
    torch.Size([1, 16, 16])
    """

    def __init__(
        self,
        keys: KeysCollection,
        patch_size: Sequence[int],
        label_key: str = "label",
        foreground: float = 0.5,
        region_key: str = "region",
    ) -> None:
        MapTransform.__init__(self, keys)
        self.patch_size = tuple(int(size) for size in patch_size)
        self.label_key = label_key
        self.foreground = foreground
        self.region_key = region_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with one patch under every key."""
        images = {
            key: convert_to_tensor(data[key], track_meta=False) for key in self.key_iterator(data)
        }
        label = images[self.label_key]
        self._check_dims(label, data)
        used = {*images, self.region_key}
        others = {key: value for key, value in data.items() if key not in used}
        return others | self._patch(images, self._centre(label, data.get(self.region_key)))

    def _check_dims(self, label: torch.Tensor, data: Mapping[Hashable, Any]) -> None:
        dims, wanted = label.ndim - 1, len(self.patch_size)
        if dims not in (wanted, wanted + 1):
            raise DataError(
                f"case {data.get('case', '?')} has {dims} axes, but the patches have {wanted}",
                f"train with --spatial_dims {dims}",
            )

    def _patch(
        self, images: Mapping[Hashable, torch.Tensor], centre: tuple[int, ...]
    ) -> dict[Hashable, torch.Tensor]:
        if len(centre) > len(self.patch_size):
            images = {key: image[..., centre[-1]] for key, image in images.items()}
        return {key: cut(image, centre, self.patch_size) for key, image in images.items()}

    def _centre(self, label: torch.Tensor, region: torch.Tensor | None) -> tuple[int, ...]:
        if self.R.rand() < self.foreground:
            voxel = self._foreground_voxel(label[0])
            if voxel is not None:
                return voxel
        annotated = label != IGNORED
        if region is None and annotated.all():
            return tuple(int(self.R.randint(size)) for size in label.shape[1:])
        if region is not None:
            annotated = annotated & (convert_to_tensor(region, track_meta=False) != 0)
        return self._region_voxel(annotated[0])

    def _region_voxel(self, region: torch.Tensor) -> tuple[int, ...]:
        # A region is a large fraction of its volume: listing all its voxels would take far longer.
        for _ in range(_TRIES):
            voxel = tuple(int(self.R.randint(size)) for size in region.shape)
            if region[voxel]:
                return voxel
        voxels = torch.nonzero(region)
        if not len(voxels):
            raise DataError(
                "no annotated voxel in a region of interest", "prepare the data set again"
            )
        return tuple(voxels[self.R.randint(len(voxels))].tolist())

    def _foreground_voxel(self, label: torch.Tensor) -> tuple[int, ...] | None:
        classes = torch.bincount(label.flatten().long().clamp(min=0))[1:].nonzero().flatten() + 1
        if not len(classes):
            return None
        chosen = classes[self.R.randint(len(classes))]
        voxels = torch.nonzero(label.flatten() == chosen)
        index = int(voxels[self.R.randint(len(voxels))])
        return tuple(int(i) for i in np.unravel_index(index, label.shape))


def cut(image: torch.Tensor, centre: Sequence[int], size: Sequence[int]) -> torch.Tensor:
    """Cut a patch around ``centre``, moved inside the image, zero-padded where it is larger.

    >>> cut(torch.arange(6.0).reshape(1, 2, 3), centre=(1, 2), size=(2, 2))
    tensor([[[1., 2.],
             [4., 5.]]])
    """
    slices, pads = [slice(None)], []
    for middle, width, extent in zip(centre, size, image.shape[1:], strict=False):
        start = min(max(middle - width // 2, 0), max(extent - width, 0))
        slices.append(slice(start, start + width))
        missing = max(width - extent, 0)
        pads.append((missing // 2, missing - missing // 2))
    flat = [amount for pair in reversed(pads) for amount in pair]
    return torch.nn.functional.pad(image[tuple(slices)], flat)
