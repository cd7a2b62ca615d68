"""Class scores on a network's grid become labels on the image's own.

A class that wins at all the voxels around a place wins at that place too: linear interpolation
takes no more than their weighted mean. So probabilities are interpolated only where the voxels
around disagree, which is along the surfaces of what was segmented; everywhere else the label is
known. The result is that of interpolating all classes everywhere.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

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
    result
        (1, x, y, z) of the image, uint8, or int16 for more than 255 classes.
    """

    def __init__(self, way: GridMap, axis: int) -> None:
        self.planes = PlanesToMake(way, axis)
        self.result = torch.empty(0)

    def collect(self, running: RunningSum) -> None:
        """Label the planes of the image that can be, and drop scores that are needed no longer."""
        if not self.result.numel():
            kind = torch.uint8 if running.scores.shape[-1] < 256 else torch.int16
            self.result = torch.zeros(1, *self.planes.way.shape, dtype=kind)
        for rows, slab in self.planes.make(running):
            self.planes.put(self.result[0], rows, _labels(slab))


class ProbabilityGrid:
    """The class probabilities of an image, filled in as planes of scores become final.

    Parameters
    ----------
    way, axis
        As for `LabelGrid`.

    Attributes
    ----------
    result
        (classes, x, y, z) of the image, float32; 0 for all classes where the network saw nothing.
    """

    def __init__(self, way: GridMap, axis: int) -> None:
        self.planes = PlanesToMake(way, axis)
        self.result = torch.empty(0)

    def collect(self, running: RunningSum) -> None:
        """Make the planes of the image that can be, and drop scores that are needed no longer."""
        if not self.result.numel():
            self.result = torch.zeros(running.scores.shape[-1], *self.planes.way.shape)
        for rows, slab in self.planes.make(running):
            for made, chances in zip(self.result, _probabilities(slab), strict=True):
                self.planes.put(made, rows, chances)


@dataclass(frozen=True)
class Slab:
    """The planes that are there, and the ways from them to some planes of the image.

    Parameters
    ----------
    scores, weights
        As `RunningSum` has them.
    maps
        One for each axis of ``scores``.
    """

    scores: torch.Tensor
    weights: torch.Tensor
    maps: list[AxisMap]


class PlanesToMake:
    """Which planes of an image wait for planes of the network's grid.

    Parameters
    ----------
    way, axis
        As for `LabelGrid`.
    """

    def __init__(self, way: GridMap, axis: int) -> None:
        self.way = way
        self.axis = axis
        self.maps = [_solid(way.axes[way.order.index(i)]) for i in range(len(way.order))]
        taps = self.maps[axis].taps
        self._first, self._last = taps.min(dim=1).values, taps.max(dim=1).values
        self._waiting = self.maps[axis].weights.sum(dim=1) > 0

    def make(self, running: RunningSum) -> Iterator[tuple[torch.Tensor, Slab]]:
        """Yield the planes that can be made now, and drop what is needed no longer."""
        ready = self._waiting & (self._last < running.final)
        if ready.any():
            yield ready.nonzero().flatten(), self._slab(ready, running)
        self._waiting &= ~ready
        firsts = self._first[self._waiting].tolist()
        running.drop(min([running.final, *firsts]))

    def _slab(self, ready: torch.Tensor, running: RunningSum) -> Slab:
        device, count = running.scores.device, running.final - running.start
        along = self.maps[self.axis]
        maps = list(self.maps)
        maps[self.axis] = AxisMap(along.taps[ready] - running.start, along.weights[ready], count)
        return Slab(
            running.scores.narrow(self.axis, 0, count),
            running.weights.narrow(self.axis, 0, count),
            [way.to(device) for way in maps],
        )

    def put(self, image: torch.Tensor, rows: torch.Tensor, values: torch.Tensor) -> None:
        """Write values that lie along the network's axes into the rows of an image (x, y, z)."""
        turned = image.permute(*[self.way.order.index(i) for i in range(image.ndim)])
        turned.index_copy_(self.axis, rows, values.to(image))


def _labels(slab: Slab) -> torch.Tensor:
    classes = slab.scores.shape[-1]
    labels, disputed, needed = agreed_labels(slab.scores.argmax(dim=-1), slab.maps, classes)
    chances = Chances(slab.scores, slab.weights, needed)
    for places in disputed.split(CHUNK // max(classes, 16) + 1):
        shares = chances.at(places, slab.maps)
        labels[tuple(places.unbind(1))] = shares.argmax(dim=1).to(labels.dtype)
    return labels


def _probabilities(slab: Slab) -> Iterator[torch.Tensor]:
    """Yield the probabilities of each class, (x, y, z) of the image."""
    chances = (slab.scores / slab.weights).softmax(dim=-1)
    for one in chances.unbind(dim=-1):
        yield interpolated(one, slab.maps)


def interpolated(values: torch.Tensor, maps: list[AxisMap]) -> torch.Tensor:
    """Return values (x, y, z) of the network's grid on the image's, by one map an axis."""
    made = values
    for axis, way in enumerate(maps):
        shape = [-1 if i == axis else 1 for i in range(made.ndim)]
        parts = zip(way.taps.T, way.weights.T, strict=True)
        made = torch.stack(
            [made.index_select(axis, taps) * weights.reshape(shape) for taps, weights in parts]
        ).sum(dim=0)
    return made


def agreed_labels(
    winners: torch.Tensor, maps: list[AxisMap], classes: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return labels where the voxels around agree, and where they do not.

    Parameters
    ----------
    winners
        The class with the largest score, (x, y, z) of the network's grid.
    maps
        One for each axis of it.
    classes
        How many there are.

    Returns
    -------
    Labels of the image, the places (n, 3) in it that are still to be decided, and the voxels
    (x, y, z) of the network's grid that decide them.

    Examples
    --------
    >>> way = AxisMap.identity(2).then(torch.tensor([[0, 1]]), torch.tensor([[0.5, 0.5]]))
    >>> one = AxisMap.identity(1)
    >>> agreed_labels(torch.tensor([3, 3]).reshape(2, 1, 1), [way, one, one], 5)[:2]
    (tensor([[[3]]], dtype=torch.uint8), tensor([], size=(0, 3), dtype=torch.int64))
    """
    kind = torch.uint8 if classes < 256 else torch.int16
    lowest = highest = winners.to(kind)
    around = [torch.unique(way.taps, dim=0, return_inverse=True) for way in maps]
    for axis, (taps, _) in enumerate(around):
        lowest = _fold(torch.minimum, lowest, taps, axis)
        highest = _fold(torch.maximum, highest, taps, axis)
    needed = (lowest != highest).to(torch.uint8)
    labels = torch.where(needed == 0, lowest, classes)
    # The last axis first: its voxels are moved one by one, those of the others row by row.
    for axis, (taps, cell) in reversed(list(enumerate(around))):
        needed = _unfold(needed, taps, axis, winners.shape[axis])
        labels = labels.index_select(axis, cell)
        unseen = (maps[axis].weights.sum(dim=1) == 0).nonzero().flatten()
        labels.index_fill_(axis, unseen, 0)
    return labels, (labels == classes).nonzero(), needed.bool()


def _fold(
    choose: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    values: torch.Tensor,
    taps: torch.Tensor,
    axis: int,
) -> torch.Tensor:
    result = values.index_select(axis, taps[:, 0])
    for column in taps.T[1:]:
        result = choose(result, values.index_select(axis, column))
    return result


def _unfold(cells: torch.Tensor, taps: torch.Tensor, axis: int, size: int) -> torch.Tensor:
    """Return which of ``size`` voxels along an axis the cells that are not 0 are made of."""
    shape = list(cells.shape)
    shape[axis] = size
    voxels = cells.new_zeros(shape)
    for column in taps.T:
        voxels.index_add_(axis, column, cells)
    return voxels.clamp_max_(1)


def _solid(way: AxisMap) -> AxisMap:
    """Return the map with each tap that counts nothing replaced by one of its row that counts.

    The plane of such a tap may not be there when the row is made.
    """
    counts = way.weights.argmax(dim=1, keepdim=True)
    taps = torch.where(way.weights > 0, way.taps, way.taps.gather(1, counts))
    return AxisMap(taps, way.weights, way.size)


class Chances:
    """Class probabilities of some voxels of the network's grid.

    Parameters
    ----------
    scores, weights
        The sums of `RunningSum`, (x, y, z, classes) and (x, y, z, 1).
    needed
        The voxels in question, (x, y, z).
    """

    def __init__(self, scores: torch.Tensor, weights: torch.Tensor, needed: torch.Tensor) -> None:
        self.shape = needed.shape
        self.rows = (scores[needed] / weights[needed]).softmax(dim=1)
        self.row = needed.flatten().cumsum(0, dtype=torch.int32) - 1

    def at(self, places: torch.Tensor, maps: list[AxisMap]) -> torch.Tensor:
        """Return probabilities (n, classes) interpolated at places (n, 3) of the image.

        Parameters
        ----------
        places
            Indices along the network's axes, of the image's grid.
        maps
            From the network's grid to the image's.
        """
        index = torch.zeros(len(places), 1, dtype=torch.long, device=places.device)
        shares = torch.ones(len(places), 1, device=places.device)
        for size, way, place in zip(self.shape, maps, places.unbind(1), strict=True):
            index = (index * size)[:, :, None] + way.taps[place][:, None]
            shares = shares[:, :, None] * way.weights[place][:, None]
            index, shares = index.flatten(1), shares.flatten(1)
        rows = self.row.index_select(0, index.flatten()).reshape(index.shape)
        return torch.nn.functional.embedding_bag(
            rows, self.rows, mode="sum", per_sample_weights=shares
        )
