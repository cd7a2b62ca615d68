"""Post-processing of label maps: smoothing, thresholds, small connected components."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform
from monai.utils import convert_to_dst_type, convert_to_numpy
from scipy import ndimage
from scipy.ndimage import gaussian_filter

from lamina.readers.image_reader import grid_of


class MostProbabled(MapTransform):
    """Take the most probable class, or the background where its probability is below a threshold.

    Parameters
    ----------
    keys
        Class probabilities (classes, x, y[, z]).
    threshold
        The least probability of a structure, from 0 to 1.

    Examples
    --------
    >>> probabilities = torch.tensor([[0.1, 0.5], [0.9, 0.2], [0.0, 0.3]])[:, :, None]
    >>> MostProbabled("pred", threshold=0.6)({"pred": probabilities})["pred"].flatten().tolist()
    [1, 0]
    """

    def __init__(self, keys: KeysCollection, threshold: float = 0.0) -> None:
        super().__init__(keys)
        self.threshold = threshold

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with class values (1, x, y[, z])."""
        item = dict(data)
        for key in self.key_iterator(item):
            most, label = torch.as_tensor(item[key]).max(dim=0, keepdim=True)
            label[most < self.threshold] = 0
            item[key] = label
        return item


class SmoothLabelsd(MapTransform):
    """Smooth the borders of structures: a Gaussian over each class, then the strongest class.

    Parameters
    ----------
    keys
        Class values (1, x, y[, z]).
    sigma
        Of the Gaussian, in mm; in pixels where the image has no spacing.

    Examples
    --------
    >>> label = torch.zeros(1, 9, 9)
    >>> label[0, 4, 4] = 2
    >>> SmoothLabelsd("pred", sigma=1.0)({"pred": label})["pred"].max()
    tensor(0.)
    """

    def __init__(self, keys: KeysCollection, sigma: float) -> None:
        super().__init__(keys)
        self.sigma = sigma

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with smooth labels."""
        item = dict(data)
        for key in self.key_iterator(item):
            label = convert_to_numpy(item[key])[0]
            smooth = _smooth(label, [self.sigma / length for length in spacing_of(item[key])])
            item[key] = convert_to_dst_type(smooth[None], item[key])[0]
        return item


def _smooth(label: np.ndarray, sigma: list[float]) -> np.ndarray:
    """Return the class with the largest smoothed mask, class after class to save memory."""
    strongest = gaussian_filter((label == 0).astype(np.float32), sigma)
    smooth = np.zeros_like(label)
    for value in np.unique(label[label > 0]):
        mask = gaussian_filter((label == value).astype(np.float32), sigma)
        smooth[mask > strongest] = value
        strongest = np.maximum(strongest, mask)
    return smooth


def spacing_of(image: Any) -> list[float]:
    """Return the distance of voxels along each axis of an image (1, x, y[, z]); 1 without meta data."""
    axes = image.ndim - 1
    if not isinstance(image, MetaTensor):
        return [1.0] * axes
    return image.pixdim.tolist()[:axes]


class RemoveSmallComponentsd(MapTransform):
    """Remove connected components of structures that are smaller than a size.

    MONAI's ``RemoveSmallObjectsd`` takes one size for all structures. Components are connected by
    corners too.

    Parameters
    ----------
    keys
        Class values (1, x, y[, z]).
    applied_labels
        The values of the structures.
    smallest
        Smaller components become background: mm³, for pictures mm², or pixels without a spacing.

    Examples
    --------
    >>> import torch
    >>> label = torch.tensor([[[1, 1, 0, 1, 0, 2]]])
    >>> RemoveSmallComponentsd("pred", [1, 2], 2)({"pred": label})["pred"].tolist()
    [[[1, 1, 0, 0, 0, 0]]]
    """

    def __init__(
        self, keys: KeysCollection, applied_labels: Sequence[int], smallest: float
    ) -> None:
        super().__init__(keys)
        self.applied_labels = tuple(applied_labels)
        self.smallest = smallest

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item without small components."""
        item = dict(data)
        for key in self.key_iterator(item):
            label = convert_to_numpy(item[key])[0].copy()
            voxel = _voxel_size(item[key])
            for value in self.applied_labels:
                label[_small_components(label == value, self.smallest / voxel)] = 0
            item[key] = convert_to_dst_type(label[None], item[key])[0]
        return item


def _voxel_size(image: Any) -> float:
    return grid_of(image).voxel_size if isinstance(image, MetaTensor) else 1.0


def _small_components(mask: np.ndarray, voxels: float) -> np.ndarray:
    components, _ = ndimage.label(mask, np.ones((3,) * mask.ndim))
    small = np.bincount(components.ravel()) < voxels
    small[0] = False
    return small[components]


RemoveSmallPartsd = RemoveSmallComponentsd
"""The former name, in task files and ``postprocessing.json`` written before."""
