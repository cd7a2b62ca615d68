"""How far several predictions of one image disagree: those of folds, of mirror images, or both.

Each voxel gets the mutual information of class and prediction, the entropy of the mean prediction
less the mean of the predictions' entropies (Houlsby et al., 2011, arXiv:1112.5745; Gal et al.,
2017, arXiv:1703.02910). It is 0 where all agree, however unsure each of them is, and 1 where they
are sure of different classes. The image gets one minus the Dice that two of the predictions
have with each other, after Roy et al. (2019, doi:10.1016/j.neuroimage.2019.03.042).
"""

import math
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform

from lamina.errors import ConfigError
from lamina.inference.inverse_mapping import InverseMapping
from lamina.inference.label_grid import PendingPlanes, interpolated
from lamina.inference.running_sum import RunningSum

EXTRA = 2
"""Channels beside scores and probabilities: the entropy, and the squares of the structures."""


def entropy(probabilities: torch.Tensor, dim: int) -> torch.Tensor:
    """Return the entropy in nats of the probabilities along ``dim``, which stays with size 1.

    >>> entropy(torch.tensor([0.5, 0.5]), 0)
    tensor([0.6931])
    """
    return torch.special.entr(probabilities).sum(dim=dim, keepdim=True)


def with_uncertainty_channels(
    network: Callable[[torch.Tensor], torch.Tensor],
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a network whose scores are followed by channels that must be averaged for uncertainty.

    Its channels are scores, probabilities, their entropy, and the sum of their squares over the
    structures: 2 · classes + 2.
    """

    def run(images: torch.Tensor) -> torch.Tensor:
        scores = network(images).float()
        probabilities = scores.softmax(dim=1)
        squares = probabilities[:, 1:].square().sum(dim=1, keepdim=True)
        return torch.cat([scores, probabilities, entropy(probabilities, 1), squares], dim=1)

    return run


def classes_of(channels: int) -> int:
    """Return the number of classes for the channels of `with_uncertainty_channels`.

    >>> classes_of(8)
    3
    """
    return (channels - EXTRA) // 2


class EnsembleUncertainty:
    """The uncertainty of each image that `GridInferer` predicts, until `Uncertaintyd` takes it.

    Overlapping windows count as predictions too.

    Parameters
    ----------
    members
        Number of networks that are averaged.
    mirror_axes
        Axes along which each network is averaged over mirror images.

    Raises
    ------
    ConfigError
        If that is a single prediction.

    Examples
    --------
    >>> EnsembleUncertainty(5, [0]).predictions
    10
    """

    def __init__(self, members: int, mirror_axes: Sequence[int] = ()) -> None:
        self.predictions = members * 2 ** len(mirror_axes)
        if self.predictions < 2:
            raise ConfigError(
                "uncertainty: a single prediction per image has no disagreement to measure",
                "add --tta mirror, or name several --weights (`lamina train --folds 5` makes them)",
            )
        self._kept: deque[tuple[torch.Tensor, float]] = deque()

    def begin(self) -> None:
        """Remove what was kept of earlier images."""
        self._kept.clear()

    def keep(self, image: torch.Tensor, number: float) -> None:
        """Keep the map (1, x, y[, z]) of an image, and its value."""
        self._kept.append((image, number))

    def take(self) -> tuple[torch.Tensor, float]:
        """Return what was kept, first image first."""
        return self._kept.popleft()

    def map_of(self, probabilities: torch.Tensor) -> torch.Tensor:
        """Return the mutual information, from 0 to 1.

        Parameters
        ----------
        probabilities
            (…, classes + 2): means over the predictions, as `with_uncertainty_channels` orders them.
        """
        classes = probabilities.shape[-1] - EXTRA
        information = (
            entropy(probabilities[..., :classes], -1)[..., 0] - probabilities[..., classes]
        )
        return (information / math.log(min(classes, self.predictions))).clamp(0, 1)

    def number_of(self, own: float, common: float) -> float:
        """Return one minus the Dice of two predictions, from 0 to 1.

        Parameters
        ----------
        own, common
            The sum over voxels and structures of the mean square, and of the mean's square.
        """
        # Adding 1 keeps the noise of an image without any structure from counting as uncertainty.
        unlike = 1 - (common + 1) / (own + 1)
        return min(max(unlike * self.predictions / (self.predictions - 1), 0.0), 1.0)

    def whole(self, means: torch.Tensor) -> tuple[torch.Tensor, float]:
        """Return the map (1, x, y[, z]) and the value of an image of means (2 · classes + 2, x, y[, z])."""
        probabilities = means[classes_of(len(means)) :].movedim(0, -1)
        own, common = _sums(probabilities)
        return self.map_of(probabilities)[None], self.number_of(own, common)


class UncertaintyGrid:
    """The uncertainty of each voxel of an image, computed as planes become final.

    Attributes
    ----------
    result
        (1, x, y, z) of the image, float16.
    """

    def __init__(
        self, disagreement: EnsembleUncertainty, mapping: InverseMapping, axis: int
    ) -> None:
        self.disagreement = disagreement
        self.planes = PendingPlanes(mapping, axis)
        self.result = torch.zeros(1, *mapping.shape, dtype=torch.float16)
        self._counted = 0
        self._own = self._common = 0.0

    def collect(self, running: RunningSum) -> RunningSum:
        """Compute the planes that are complete; return the current sum of the scores alone."""
        classes = classes_of(running.scores.shape[-1])
        self._count(running, classes)
        for rows, slab in self.planes.complete(running):
            values = self.disagreement.map_of(slab.scores[..., classes:] / slab.weights)
            self.planes.put(self.result[0], rows, interpolated(values, slab.maps))
        return running.first(classes)

    @property
    def number(self) -> float:
        """The image's value, when all planes are collected."""
        return self.disagreement.number_of(self._own, self._common)

    def _count(self, running: RunningSum, classes: int) -> None:
        part = []
        for axis, mapping in enumerate(self.planes.maps):
            low, high = int(mapping.taps.min()), int(mapping.taps.max()) + 1
            if axis == self.planes.axis:
                low = max(low, self._counted) - running.start
                high = max(min(high, running.final) - running.start, low)
            part.append(slice(low, high))
        self._counted = running.final
        probabilities = running.scores[tuple(part)][..., classes:] / running.weights[tuple(part)]
        own, common = _sums(probabilities)
        self._own, self._common = self._own + own, self._common + common


def _sums(probabilities: torch.Tensor) -> tuple[float, float]:
    common = probabilities[..., 1:-EXTRA].square().sum(dtype=torch.float64)
    return float(probabilities[..., -1].sum(dtype=torch.float64)), float(common)


class Uncertaintyd(MapTransform):
    """Add ``uncertainty_map`` and ``uncertainty`` of an `EnsembleUncertainty` to a prediction.

    Parameters
    ----------
    keys
        The prediction (1, x, y[, z]).
    disagreement
        The same as the inferer's.
    """

    def __init__(self, keys: KeysCollection, disagreement: EnsembleUncertainty) -> None:
        super().__init__(keys)
        self.disagreement = disagreement

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with the map (1, x, y[, z]), from 0 to 1, and the number."""
        image, number = self.disagreement.take()
        return {**data, "uncertainty_map": image, "uncertainty": number}
