"""The weighted sum of overlapping windows, of which only a slab is held at a time."""

import copy
from collections.abc import Callable, Iterator, Sequence

import torch

from lamina.inference.ensemble import MemberIterator, single
from lamina.inference.windows import Offset, WindowPlan

WINDOWS_PER_MEMBER = 32
"""Windows that a member of an ensemble computes before the next one is loaded."""


class RunningSum:
    """Class scores of a slab of an image, to which windows are added.

    ``plan``: positions and weights of the windows.

    Attributes
    ----------
    start, final
        The slab begins at plane ``start`` along ``plan.axis``; the planes before ``final`` get no
        more windows.
    scores
        Sum of the windows' weighted scores, (x, y, z, classes), where one of x, y, z is the slab.
    weights
        Sum of the windows' weights, (x, y, z, 1).
    """

    def __init__(self, plan: WindowPlan) -> None:
        self.plan = plan
        self.start = 0
        self.final = 0
        self.scores = torch.empty(0)
        self.weights = torch.empty(0)
        self._end = 0
        self._needed = 0
        self._window = torch.empty(0)
        self._expanded = torch.empty(0)

    def reach(self, end: int) -> None:
        """Extend the slab to plane ``end``, and remove the planes that were dropped."""
        fewer, more = self._needed - self.start, end - self._end
        if self.scores.numel() and (fewer or more):
            self.scores = self._moved(self.scores, fewer, more)
            self.weights = self._moved(self.weights, fewer, more)
        self.start, self._end = self._needed, end

    def drop(self, plane: int) -> None:
        """Mark the planes before ``plane`` as no longer needed."""
        self._needed = plane

    def first(self, channels: int) -> "RunningSum":
        """Return the current sum of the first channels alone."""
        first = copy.copy(self)
        first.scores = self.scores[..., :channels]
        return first

    def add(self, offset: Offset, scores: torch.Tensor) -> None:
        """Add a window's ``scores``, (classes, x, y, z)."""
        if not self.scores.numel():
            self._begin(scores)
        start = list(offset)
        start[self.plan.axis] -= self.start
        window = tuple(slice(i, i + n) for i, n in zip(start, self.plan.size, strict=True))
        self.weights[window].add_(self._window)
        # Plane by plane, as what is converted to float32 stays in the processor's cache.
        planes = zip(self.scores[window], scores.permute(1, 2, 3, 0), self._expanded, strict=True)
        for total, plane, weight in planes:
            if self.plan.mode == "constant":
                total.add_(plane.float())
            else:
                total.addcmul_(plane.float(), weight)

    def _begin(self, scores: torch.Tensor) -> None:
        shape = list(self.plan.shape)
        shape[self.plan.axis] = self._end - self.start
        self.scores = torch.zeros(*shape, len(scores), device=scores.device)
        self.weights = torch.zeros(*shape, 1, device=scores.device)
        self._window = self.plan.weights(scores.device)
        self._expanded = self._window.expand(*self.plan.size, len(scores)).contiguous()

    def _moved(self, old: torch.Tensor, fewer: int, more: int) -> torch.Tensor:
        axis = self.plan.axis
        kept = old.shape[axis] - fewer
        shape = list(old.shape)
        shape[axis] = kept + more
        new = old.new_zeros(shape)
        new.narrow(axis, 0, kept).copy_(old.narrow(axis, fewer, kept))
        return new


def run_windows(
    image: torch.Tensor,
    network: Callable[[torch.Tensor], torch.Tensor],
    plan: WindowPlan,
    batch: int,
    members: MemberIterator,
) -> Iterator[RunningSum]:
    """Run a network over an image, and yield the running sum whenever planes of it are final.

    The caller marks by `RunningSum.drop` what is no longer needed.

    Parameters
    ----------
    image
        (channels, x, y, z), of ``plan.shape``.
    network
        Takes (windows, channels, x, y, z) and returns (windows, classes, x, y, z).
    batch
        Windows that it gets at a time.
    members
        Of the network, if it is an ensemble: each computes many windows before the next is loaded.
    """
    running = RunningSum(plan)
    offsets = list(plan.offsets())
    chunks = [offsets[begin : begin + batch] for begin in range(0, len(offsets), batch)]
    together = 1 if members is single else -(-WINDOWS_PER_MEMBER // batch)
    for begin in range(0, len(chunks), together):
        group = chunks[begin : begin + together]
        if group[0][0][plan.axis] > running.final:
            running.final = group[0][0][plan.axis]
            yield running
        running.reach(group[-1][-1][plan.axis] + plan.size[plan.axis])
        for _ in members():
            for chunk in group:
                _add_windows(running, image, network, chunk)
    running.final = plan.shape[plan.axis]
    yield running


def _add_windows(
    running: RunningSum,
    image: torch.Tensor,
    network: Callable[[torch.Tensor], torch.Tensor],
    offsets: Sequence[Offset],
) -> None:
    scores = network(torch.stack([_cut(image, offset, running.plan.size) for offset in offsets]))
    for offset, window in zip(offsets, scores, strict=True):
        running.add(offset, window)


def _cut(image: torch.Tensor, offset: Offset, size: Sequence[int]) -> torch.Tensor:
    for axis, (start, length) in enumerate(zip(offset, size, strict=True)):
        image = image.narrow(axis + 1, start, length)
    return image
