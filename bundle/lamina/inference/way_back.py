"""Class scores on a network's grid become labels on the image's own.

A class that wins at all the voxels around a place wins at that place too: linear interpolation
takes no more than their weighted mean. So probabilities are interpolated only where the voxels
around disagree, which is along the surfaces of what was segmented; everywhere else the label is
known. The result is that of interpolating all classes everywhere.
"""

import itertools
from collections.abc import Iterator

import torch

from lamina.inference.axis_maps import AxisMap, GridMap
from lamina.inference.running_sum import RunningSum

CHUNK = 1 << 22
"""Probabilities that are interpolated at a time."""


class LabelGrid:
    """The labels of an image, filled in as planes of scores become final.

    Parameters
    ----------
    way
        From the network's grid (x, y, z) to the image's.
    axis
        The axis of the network's grid along which the planes come.

    Attributes
    ----------
    labels
        (x, y, z) of the image, uint8, or int16 for more than 255 classes.
    """

    def __init__(self, way: GridMap, axis: int) -> None:
        self.way = way
        self.axis = axis
        self.maps = [_solid(way.axes[way.order.index(i)]) for i in range(len(way.order))]
        self.labels = torch.empty(0)
        self._pending = self.maps[axis].weights.sum(dim=1) > 0
        used = self.maps[axis].taps
        self._first, self._last = used.min(dim=1).values, used.max(dim=1).values

    def collect(self, running: RunningSum) -> None:
        """Label the planes of the image that can be, and drop scores that are needed no longer."""
        if not self.labels.numel():
            self._begin(running.scores)
        ready = (self._pending & (self._last < running.final)).nonzero().flatten()
        if len(ready):
            self._label(ready, running)
            self._pending[ready] = False
        waiting = self._first[self._pending]
        running.drop(min(running.final, int(waiting.min()) if len(waiting) else running.final))

    def _begin(self, scores: torch.Tensor) -> None:
        kind = torch.uint8 if scores.shape[-1] < 256 else torch.int16
        self.labels = torch.zeros(self.way.shape, dtype=kind)
        self.maps = [way.to(scores.device) for way in self.maps]

    def _label(self, ready: torch.Tensor, running: RunningSum) -> None:
        maps = list(self.maps)
        along = maps[self.axis]
        rows = ready.to(along.taps.device)
        planes = running.final - running.start
        maps[self.axis] = AxisMap(along.taps[rows] - running.start, along.weights[rows], planes)
        scores = running.scores.narrow(self.axis, 0, planes)
        labels, disputed = agreed_labels(scores.argmax(dim=-1), maps, scores.shape[-1])
        for places in _chunks(disputed, CHUNK // scores.shape[-1]):
            shares = interpolated(running.scores, running.weights, maps, places)
            labels[tuple(places.unbind(1))] = shares.argmax(dim=1).to(labels.dtype)
        target = self.labels.permute(*[self.way.order.index(i) for i in range(3)])
        target.index_copy_(self.axis, ready, labels.to(target))


def agreed_labels(
    winners: torch.Tensor, maps: list[AxisMap], classes: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return labels where the voxels around agree, and the places (n, 3) where they do not.

    Parameters
    ----------
    winners
        The class with the largest score, (x, y, z) of the network's grid.
    maps
        One for each axis of it.
    classes
        How many there are.

    Examples
    --------
    >>> way = AxisMap.identity(2).then(torch.tensor([[0, 1]]), torch.tensor([[0.5, 0.5]]))
    >>> one = AxisMap.identity(1)
    >>> agreed_labels(torch.tensor([3, 3]).reshape(2, 1, 1), [way, one, one], 5)
    (tensor([[[3]]], dtype=torch.uint8), tensor([], size=(0, 3), dtype=torch.int64))
    """
    kind = torch.uint8 if classes < 256 else torch.int32
    lowest = highest = winners.to(kind)
    cells = []
    for axis, way in enumerate(maps):
        taps, cell = torch.unique(way.taps, dim=0, return_inverse=True)
        lowest = _fold(torch.minimum, lowest, taps, axis)
        highest = _fold(torch.maximum, highest, taps, axis)
        cells.append(cell)
    labels = torch.where(lowest == highest, lowest, classes)
    for axis, way in enumerate(maps):
        labels = labels.index_select(axis, cells[axis])
        unseen = (way.weights.sum(dim=1) == 0).nonzero().flatten()
        labels.index_fill_(axis, unseen, 0)
    return labels, (labels == classes).nonzero()


def _fold(choose: object, values: torch.Tensor, taps: torch.Tensor, axis: int) -> torch.Tensor:
    result = values.index_select(axis, taps[:, 0])
    for column in taps.T[1:]:
        result = choose(result, values.index_select(axis, column))  # type: ignore[operator]
    return result


def _solid(way: AxisMap) -> AxisMap:
    """Return the map with each tap that counts nothing replaced by one of its row that counts.

    The plane of such a tap may not be there when the row is made.
    """
    counts = way.weights.argmax(dim=1, keepdim=True)
    taps = torch.where(way.weights > 0, way.taps, way.taps.gather(1, counts))
    return AxisMap(taps, way.weights, way.size)


def interpolated(
    scores: torch.Tensor, weights: torch.Tensor, maps: list[AxisMap], places: torch.Tensor
) -> torch.Tensor:
    """Return class probabilities (n, classes) at places of the image.

    Parameters
    ----------
    scores, weights
        The sums of `RunningSum`, (x, y, z, classes) and (x, y, z, 1).
    maps
        From these to the image.
    places
        (n, 3) indices along the network's axes, of the image's grid.
    """
    shape = scores.shape[:3]
    rows, counts = scores.reshape(-1, scores.shape[-1]), weights.reshape(-1, 1)
    total = torch.zeros(len(places), rows.shape[1], device=scores.device)
    taps = [way.taps[index] for way, index in zip(maps, places.unbind(1), strict=True)]
    shares = [way.weights[index] for way, index in zip(maps, places.unbind(1), strict=True)]
    for x, y, z in itertools.product(*(range(tap.shape[1]) for tap in taps)):
        row = (taps[0][:, x] * shape[1] + taps[1][:, y]) * shape[2] + taps[2][:, z]
        share = shares[0][:, x] * shares[1][:, y] * shares[2][:, z]
        chances = (rows.index_select(0, row) / counts.index_select(0, row)).softmax(dim=1)
        total.addcmul_(chances, share[:, None])
    return total


def _chunks(places: torch.Tensor, count: int) -> Iterator[torch.Tensor]:
    for begin in range(0, len(places), max(count, 1)):
        yield places[begin : begin + max(count, 1)]
