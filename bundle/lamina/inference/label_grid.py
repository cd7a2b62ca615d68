"""Class scores on a network's grid become labels on the image's own.

A class that wins at all neighbouring voxels of a position wins at that position too, since linear
interpolation is their weighted mean. So probabilities are interpolated only where the neighbours
disagree, which is along the surfaces of structures; everywhere else the label is known. The result
is that of interpolating all classes everywhere.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from lamina.inference.inverse_mapping import InverseMapping, ResamplingMap
from lamina.inference.running_sum import RunningSum

CHUNK = 1 << 22
"""Probabilities that are interpolated at a time."""


class LabelGrid:
    """The labels of an image, computed as planes of scores become final.

    Parameters
    ----------
    mapping
        From the network's grid (x, y, z) to the image's.
    axis
        The axis of the network's grid along which the planes come.

    Attributes
    ----------
    result
        (1, x, y, z) of the image, uint8, or int16 for more than 255 classes.
    """

    def __init__(self, mapping: InverseMapping, axis: int) -> None:
        self.planes = PendingPlanes(mapping, axis)
        self.result = torch.empty(0)

    def collect(self, running: RunningSum) -> None:
        """Compute the complete planes of the image, and drop scores that are no longer needed."""
        if not self.result.numel():
            self.result = self._empty(running.scores.shape[-1], self.planes.mapping.shape)
        for rows, slab in self.planes.complete(running):
            for result, values in zip(self.result, self._values(slab), strict=True):
                self.planes.put(result, rows, values)

    def _empty(self, classes: int, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.zeros(1, *shape, dtype=torch.uint8 if classes < 256 else torch.int16)

    def _values(self, slab: "Slab") -> Iterator[torch.Tensor]:
        yield _labels(slab)


class ProbabilityGrid(LabelGrid):
    """The class probabilities of an image, as `LabelGrid` its labels.

    Attributes
    ----------
    result
        (classes, x, y, z) of the image, float32; 0 for all classes outside of the network's image.
    """

    def _empty(self, classes: int, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.zeros(classes, *shape)

    def _values(self, slab: "Slab") -> Iterator[torch.Tensor]:
        return _probabilities(slab)


@dataclass(frozen=True)
class Slab:
    """The planes that are held, and the maps from them to some planes of the image.

    Parameters
    ----------
    scores, weights
        As in `RunningSum`.
    maps
        One for each axis of ``scores``.
    """

    scores: torch.Tensor
    weights: torch.Tensor
    maps: list[ResamplingMap]


class PendingPlanes:
    """The planes of an image that wait for planes of the network's grid.

    ``mapping``, ``axis``: as for `LabelGrid`.
    """

    def __init__(self, mapping: InverseMapping, axis: int) -> None:
        self.mapping = mapping
        self.axis = axis
        self.maps = [
            _solid(mapping.axes[mapping.order.index(i)]) for i in range(len(mapping.order))
        ]
        taps = self.maps[axis].taps
        self._first, self._last = taps.min(dim=1).values, taps.max(dim=1).values
        self._waiting = self.maps[axis].weights.sum(dim=1) > 0

    def complete(self, running: RunningSum) -> Iterator[tuple[torch.Tensor, Slab]]:
        """Yield the planes that are complete now, and drop scores that are no longer needed."""
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
        maps[self.axis] = ResamplingMap(
            along.taps[ready] - running.start, along.weights[ready], count
        )
        return Slab(
            running.scores.narrow(self.axis, 0, count),
            running.weights.narrow(self.axis, 0, count),
            [mapping.to(device) for mapping in maps],
        )

    def put(self, image: torch.Tensor, rows: torch.Tensor, values: torch.Tensor) -> None:
        """Write values that lie along the network's axes into the rows of an image (x, y, z)."""
        turned = image.permute(*[self.mapping.order.index(i) for i in range(image.ndim)])
        turned.index_copy_(self.axis, rows, values.to(image))


def _labels(slab: Slab) -> torch.Tensor:
    classes = slab.scores.shape[-1]
    labels, disputed, needed = agreed_labels(slab.scores.argmax(dim=-1), slab.maps, classes)
    probabilities = VoxelProbabilities(slab.scores, slab.weights, needed)
    for positions in disputed.split(CHUNK // max(classes, 16) + 1):
        winners = probabilities.at(positions, slab.maps).argmax(dim=1)
        labels[tuple(positions.unbind(1))] = winners.to(labels.dtype)
    return labels


def _probabilities(slab: Slab) -> Iterator[torch.Tensor]:
    """Yield the probabilities of each class, (x, y, z) of the image."""
    probabilities = (slab.scores / slab.weights).softmax(dim=-1)
    for values in probabilities.unbind(dim=-1):
        yield interpolated(values, slab.maps)


def interpolated(values: torch.Tensor, maps: list[ResamplingMap]) -> torch.Tensor:
    """Return values (x, y, z) of the network's grid on the image's, by one map per axis."""
    for axis, mapping in enumerate(maps):
        shape = [-1 if i == axis else 1 for i in range(values.ndim)]
        columns = zip(mapping.taps.T, mapping.weights.T, strict=True)
        values = torch.stack(
            [values.index_select(axis, taps) * weights.reshape(shape) for taps, weights in columns]
        ).sum(dim=0)
    return values


def agreed_labels(
    winners: torch.Tensor, maps: list[ResamplingMap], classes: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return labels where neighbouring voxels agree, and the positions where they do not.

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
    Labels of the image, the positions (n, 3) in it that are still to be decided, and the voxels
    (x, y, z) of the network's grid that decide them.

    Examples
    --------
    >>> mapping = ResamplingMap.identity(2).then(torch.tensor([[0, 1]]), torch.tensor([[0.5, 0.5]]))
    >>> same = ResamplingMap.identity(1)
    >>> agreed_labels(torch.tensor([3, 3]).reshape(2, 1, 1), [mapping, same, same], 5)[:2]
    (tensor([[[3]]], dtype=torch.uint8), tensor([], size=(0, 3), dtype=torch.int64))
    """
    kind = torch.uint8 if classes < 256 else torch.int16
    lowest = highest = winners.to(kind)
    neighbours = [torch.unique(mapping.taps, dim=0, return_inverse=True) for mapping in maps]
    for axis, (taps, _) in enumerate(neighbours):
        lowest = _fold(torch.minimum, lowest, taps, axis)
        highest = _fold(torch.maximum, highest, taps, axis)
    needed = (lowest != highest).to(torch.uint8)
    labels = torch.where(needed == 0, lowest, classes)
    # The last axis first: its voxels are moved one by one, those of the others row by row.
    for axis, (taps, cell) in reversed(list(enumerate(neighbours))):
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
    """Return which of ``size`` voxels along an axis contribute to the cells that are not 0."""
    shape = list(cells.shape)
    shape[axis] = size
    voxels = cells.new_zeros(shape)
    for column in taps.T:
        voxels.index_add_(axis, column, cells)
    return voxels.clamp_max_(1)


def _solid(mapping: ResamplingMap) -> ResamplingMap:
    """Return the map with each tap of weight 0 replaced by one of its row with a weight.

    The plane of such a tap may not be held when the row is computed.
    """
    counts = mapping.weights.argmax(dim=1, keepdim=True)
    taps = torch.where(mapping.weights > 0, mapping.taps, mapping.taps.gather(1, counts))
    return ResamplingMap(taps, mapping.weights, mapping.size)


class VoxelProbabilities:
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

    def at(self, positions: torch.Tensor, maps: list[ResamplingMap]) -> torch.Tensor:
        """Return probabilities (n, classes) interpolated at positions (n, 3) of the image.

        Parameters
        ----------
        positions
            Indices along the network's axes, of the image's grid.
        maps
            From the network's grid to the image's.
        """
        index = torch.zeros(len(positions), 1, dtype=torch.long, device=positions.device)
        weights = torch.ones(len(positions), 1, device=positions.device)
        for size, mapping, at in zip(self.shape, maps, positions.unbind(1), strict=True):
            index = ((index * size)[:, :, None] + mapping.taps[at][:, None]).flatten(1)
            weights = (weights[:, :, None] * mapping.weights[at][:, None]).flatten(1)
        rows = self.row.index_select(0, index.flatten()).reshape(index.shape)
        return torch.nn.functional.embedding_bag(
            rows, self.rows, mode="sum", per_sample_weights=weights
        )
