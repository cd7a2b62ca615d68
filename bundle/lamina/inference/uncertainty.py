"""How far several predictions of one image disagree: those of folds, of mirror images, or both.

Each voxel gets the mutual information of class and prediction, the entropy of the mean prediction
less the mean of the predictions' entropies (Houlsby et al., 2011, arXiv:1112.5745; Gal et al.,
2017, arXiv:1703.02910). It is 0 where all say the same, however unsure each of them is, and 1 where
they are sure of different classes. The image gets one minus the Dice that two of the predictions
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
from lamina.inference.axis_maps import GridMap
from lamina.inference.inverse_mapping import PlanesToMake, interpolated
from lamina.inference.running_sum import RunningSum

EXTRA = 2
"""Channels beside scores and probabilities: the entropy, and the squares of the structures."""


def entropy(shares: torch.Tensor, dim: int) -> torch.Tensor:
    """Return the entropy in nats of the probabilities along ``dim``, which stays with size 1.

    >>> entropy(torch.tensor([0.5, 0.5]), 0)
    tensor([0.6931])
    """
    return torch.special.entr(shares).sum(dim=dim, keepdim=True)


def with_shares(
    network: Callable[[torch.Tensor], torch.Tensor],
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a network whose scores are followed by all that must be averaged besides.

    Its channels are scores, probabilities, their entropy, and the sum of their squares over the
    structures: 2 · classes + 2.
    """

    def run(images: torch.Tensor) -> torch.Tensor:
        scores = network(images).float()
        shares = scores.softmax(dim=1)
        squares = shares[:, 1:].square().sum(dim=1, keepdim=True)
        return torch.cat([scores, shares, entropy(shares, 1), squares], dim=1)

    return run


def classes_of(channels: int) -> int:
    """Return how many classes a network has that `with_shares` made of it.

    >>> classes_of(8)
    3
    """
    return (channels - EXTRA) // 2


class Disagreement:
    """What `GridInferer` finds out about an image besides, until `Uncertaintyd` takes it.

    Where windows overlap, each of them counts as a prediction too.

    Parameters
    ----------
    members
        Networks that are averaged.
    mirror_axes
        Axes along which each of them sees mirror images.

    Raises
    ------
    ConfigError
        If that is one prediction.

    Examples
    --------
    >>> Disagreement(5, [0]).predictions
    10
    """

    def __init__(self, members: int, mirror_axes: Sequence[int] = ()) -> None:
        self.predictions = members * 2 ** len(mirror_axes)
        if self.predictions < 2:
            raise ConfigError(
                "uncertainty: one network that sees each image once can't disagree",
                "add --tta mirror, or name several --weights (`lamina train --folds 5` makes them)",
            )
        self._found: deque[tuple[torch.Tensor, float]] = deque()

    def begin(self) -> None:
        """Forget the images that nobody asked for."""
        self._found.clear()

    def keep(self, image: torch.Tensor, number: float) -> None:
        """Keep the map (1, x, y[, z]) of an image, and its number."""
        self._found.append((image, number))

    def take(self) -> tuple[torch.Tensor, float]:
        """Return what was kept, image after image."""
        return self._found.popleft()

    def map_of(self, shares: torch.Tensor) -> torch.Tensor:
        """Return the mutual information, from 0 to 1.

        Parameters
        ----------
        shares
            (…, classes + 2): means over the predictions, as `with_shares` orders them.
        """
        classes = shares.shape[-1] - EXTRA
        gained = entropy(shares[..., :classes], -1)[..., 0] - shares[..., classes]
        return (gained / math.log(min(classes, self.predictions))).clamp(0, 1)

    def number_of(self, own: float, common: float) -> float:
        """Return one minus the Dice of two predictions, from 0 to 1.

        Parameters
        ----------
        own, common
            The sum over voxels and structures of the mean square, and of the mean's square.
        """
        # The one keeps the noise of an image without any structure from looking like a doubt.
        unlike = 1 - (common + 1) / (own + 1)
        return min(max(unlike * self.predictions / (self.predictions - 1), 0.0), 1.0)

    def grid(self, way: GridMap, axis: int) -> "DisagreementGrid":
        """Return what collects the planes of an image; arguments as for `LabelGrid`."""
        return DisagreementGrid(self, way, axis)

    def whole(self, said: torch.Tensor) -> tuple[torch.Tensor, float]:
        """Return map (1, x, y[, z]) and number of means (2 · classes + 2, x, y[, z])."""
        shares = said[classes_of(len(said)) :].movedim(0, -1)
        own, common = _sums(shares)
        return self.map_of(shares)[None], self.number_of(own, common)


class DisagreementGrid:
    """The disagreement at each voxel of an image, filled in as planes become final.

    Attributes
    ----------
    result
        (1, x, y, z) of the image, float16.
    """

    def __init__(self, disagreement: Disagreement, way: GridMap, axis: int) -> None:
        self.disagreement = disagreement
        self.planes = PlanesToMake(way, axis)
        self.result = torch.zeros(1, *way.shape, dtype=torch.float16)
        self._counted = 0
        self._own = self._common = 0.0

    def collect(self, running: RunningSum) -> RunningSum:
        """Make the planes that can be; return the sum as it is of the scores alone."""
        classes = classes_of(running.scores.shape[-1])
        self._count(running, classes)
        for rows, slab in self.planes.make(running):
            values = self.disagreement.map_of(slab.scores[..., classes:] / slab.weights)
            self.planes.put(self.result[0], rows, interpolated(values, slab.maps))
        return running.first(classes)

    @property
    def number(self) -> float:
        """The image's number, when all planes are collected."""
        return self.disagreement.number_of(self._own, self._common)

    def _count(self, running: RunningSum, classes: int) -> None:
        part = []
        for axis, way in enumerate(self.planes.maps):
            low, high = int(way.taps.min()), int(way.taps.max()) + 1
            if axis == self.planes.axis:
                low = max(low, self._counted) - running.start
                high = max(min(high, running.final) - running.start, low)
            part.append(slice(low, high))
        self._counted = running.final
        shares = running.scores[tuple(part)][..., classes:] / running.weights[tuple(part)]
        own, common = _sums(shares)
        self._own, self._common = self._own + own, self._common + common


def _sums(shares: torch.Tensor) -> tuple[float, float]:
    common = shares[..., 1:-EXTRA].square().sum(dtype=torch.float64)
    return float(shares[..., -1].sum(dtype=torch.float64)), float(common)


class Uncertaintyd(MapTransform):
    """Put what a `Disagreement` holds beside a prediction: ``uncertainty_map`` and ``uncertainty``.

    Parameters
    ----------
    keys
        The prediction (1, x, y[, z]).
    disagreement
        That of the inferer.
    """

    def __init__(self, keys: KeysCollection, disagreement: Disagreement) -> None:
        super().__init__(keys)
        self.disagreement = disagreement

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with the map (1, x, y[, z]), from 0 to 1, and the number."""
        image, number = self.disagreement.take()
        return {**data, "uncertainty_map": image, "uncertainty": number}
