"""Parts of a structure that are too small to be true."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import convert_to_dst_type, convert_to_numpy
from scipy import ndimage

from lamina.transforms.refine import spacing_of


class RemoveSmallPartsd(MapTransform):
    """Make background of the connected parts of structures that are smaller than a size.

    MONAI's ``RemoveSmallObjectsd`` knows no structures, but takes one size for all. Parts that
    touch by a corner are one.

    Parameters
    ----------
    keys
        Class values (1, x, y[, z]).
    applied_labels
        The values of the structures.
    smallest
        A part that is smaller goes: mm³, of pictures mm², or pixels where they have no size.

    Examples
    --------
    >>> import torch
    >>> label = torch.tensor([[[1, 1, 0, 1, 0, 2]]])
    >>> RemoveSmallPartsd("pred", [1, 2], 2)({"pred": label})["pred"].tolist()
    [[[1, 1, 0, 0, 0, 0]]]
    """

    def __init__(
        self, keys: KeysCollection, applied_labels: Sequence[int], smallest: float
    ) -> None:
        super().__init__(keys)
        self.applied_labels = tuple(applied_labels)
        self.smallest = smallest

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item without small parts."""
        made = dict(data)
        for key in self.key_iterator(made):
            label = convert_to_numpy(made[key])[0].copy()
            voxel = math.prod(spacing_of(made[key]))
            for value in self.applied_labels:
                label[_small_parts(label == value, self.smallest / voxel)] = 0
            made[key] = convert_to_dst_type(label[None], made[key])[0]
        return made


def _small_parts(mask: np.ndarray, voxels: float) -> np.ndarray:
    parts, _ = ndimage.label(mask, np.ones((3,) * mask.ndim))
    small = np.bincount(parts.ravel()) < voxels
    small[0] = False
    return small[parts]
