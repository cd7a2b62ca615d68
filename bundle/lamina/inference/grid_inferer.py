"""An image goes in, labels on the image's own grid come out."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor, decollate_batch, list_data_collate
from monai.inferers import Inferer
from monai.transforms import Compose, Invertd

from lamina.errors import DataError
from lamina.inference.axis_maps import AxisMap, GridMap, NotSeparableError, axis_maps
from lamina.inference.ensemble import Turns, turns_of
from lamina.inference.inverse_mapping import LabelGrid, ProbabilityGrid
from lamina.inference.mirroring import mirrored
from lamina.inference.running_sum import run_windows
from lamina.inference.uncertainty import Disagreement, classes_of, with_shares
from lamina.inference.windows import WindowInferer, WindowPlan

logger = logging.getLogger("lamina")


class GridInferer(Inferer):
    """Windows over an image and the way back to its own grid, a slab at a time.

    What it returns is the arg-max of class probabilities that were brought back by the inverse of
    the preprocessing (`Invertd`), but neither on the network's grid nor on the image's are all
    classes held at full size: memory does not grow with the length of a scan.

    Parameters
    ----------
    roi_size
        The window, in voxels along each axis of the network. A 2D network on a volume goes over
        the slices along the last axis.
    preprocessing
        What made the network's image; only asked where it did more than treat each axis by itself.
    sw_batch_size
        Windows (or slices) that the network gets at a time.
    overlap
        Share of a window that the next one covers again.
    mode
        ``gaussian`` trusts a window's middle more than its border; ``constant`` does not.
    mirror_axes
        Average over the window's mirror images along these axes, 0 is x; see `mirrored`.
    probabilities
        Return all class probabilities on the image's grid, at full size, in place of labels.
    disagreement
        Where it is given, it keeps how far networks and mirror images disagree about each image.

    Attributes
    ----------
    watch
        Where it is set, it is told the share of the image that is done.

    Examples
    --------
    >>> network = torch.nn.Conv2d(1, 3, 3, padding=1)
    >>> labels = GridInferer([16, 16])(MetaTensor(torch.ones(1, 1, 20, 24, 5)), network)
    >>> labels.shape, labels.dtype
    (torch.Size([1, 1, 20, 24, 5]), torch.uint8)
    """

    takes_turns = True
    """Several networks are averaged here, so that only one of them is held at a time."""

    def __init__(
        self,
        roi_size: Sequence[int],
        preprocessing: Compose | None = None,
        sw_batch_size: int = 4,
        overlap: float = 0.25,
        mode: str = "gaussian",
        mirror_axes: Sequence[int] = (),
        probabilities: bool = False,
        disagreement: Disagreement | None = None,
    ) -> None:
        super().__init__()
        self.roi_size = tuple(roi_size)
        self.preprocessing = preprocessing
        self.sw_batch_size = sw_batch_size
        self.overlap = overlap
        self.mode = mode
        self.mirror_axes = tuple(mirror_axes)
        self.probabilities = probabilities
        self.disagreement = disagreement
        self.watch: Callable[[float], None] | None = None

    def __call__(
        self, inputs: torch.Tensor, network: Callable[..., torch.Tensor], *args: Any, **kwargs: Any
    ) -> torch.Tensor:
        """Return (batch, 1 or classes, x, y[, z]) for ``inputs`` of shape (batch, channels, x, y[, z]).

        Raises
        ------
        DataError
            If the image has fewer or more axes than the network works on.
        """
        dims = inputs.ndim - 2
        if dims != len(self.roi_size) and (dims, len(self.roi_size)) != (3, 2):
            raise DataError(
                f"the image has {dims} axes, but the network {len(self.roi_size)}",
                f"use --spatial_dims {dims}, with weights trained that way",
            )

        def run(windows: torch.Tensor) -> torch.Tensor:
            return network(windows, *args, **kwargs)

        if self.disagreement is not None:
            self.disagreement.begin()
        asked = run if self.disagreement is None else with_shares(run)
        turned, turns = mirrored(asked, self.mirror_axes), turns_of(network)
        return list_data_collate(
            [self._on_own_grid(image, turned, turns) for image in _images(inputs)]
        )

    def _on_own_grid(
        self, image: MetaTensor, network: Callable[..., torch.Tensor], turns: Turns
    ) -> MetaTensor:
        affine = np.asarray(image.affine)
        try:
            way = axis_maps(image.applied_operations, image.shape[1:], affine)
        except NotSeparableError as reason:
            return self._plainly(image, network, turns, reason)
        made = self._slab_by_slab(image.as_subclass(torch.Tensor), network, turns, way)
        return MetaTensor(made, affine=image.meta.get("original_affine", affine))

    def _slab_by_slab(
        self,
        image: torch.Tensor,
        network: Callable[..., torch.Tensor],
        turns: Turns,
        way: GridMap,
    ) -> torch.Tensor:
        shape, run = way.shape, network
        if len(self.roi_size) == 2:
            run = _over_slices(network)
        if image.ndim == 3:
            image, way = image[..., None], _with_third_axis(way)
        size = (*self.roi_size, 1)[:3]
        image, way = _grown(image, way, size)
        plan = WindowPlan(tuple(image.shape[1:]), size, self.overlap, self.mode)
        grid = (ProbabilityGrid if self.probabilities else LabelGrid)(way, plan.axis)
        doubt = self.disagreement.grid(way, plan.axis) if self.disagreement else None
        with torch.no_grad():
            for running in run_windows(image, run, plan, self.sw_batch_size, turns):
                grid.collect(doubt.collect(running) if doubt else running)
                if self.watch is not None:
                    self.watch(running.final / plan.shape[plan.axis])
        if self.disagreement and doubt:
            self.disagreement.keep(doubt.result.reshape(-1, *shape), doubt.number)
        return grid.result.reshape(-1, *shape)

    def _plainly(
        self,
        image: MetaTensor,
        network: Callable[..., torch.Tensor],
        turns: Turns,
        reason: Exception,
    ) -> MetaTensor:
        if self.preprocessing is None:
            raise DataError(
                f"the way back to the image's own grid is not known: {reason}",
                "name the preprocessing in the inferer's config",
            )
        logger.info("all classes are held at full size, which takes memory: %s", reason)
        windows = WindowInferer(self.roi_size, self.sw_batch_size, self.overlap, self.mode)
        with torch.no_grad():
            said = [windows(image[None], lambda x: network(x).float())[0] for _ in turns()]
        scores = sum(said) / len(said)
        if self.disagreement is not None:
            values, number = self.disagreement.whole(scores)
            self.disagreement.keep(brought_back(values, image, self.preprocessing), number)
            scores = scores[: classes_of(len(scores))]
        made = plain_probabilities(scores, image, self.preprocessing)
        if self.probabilities:
            return made
        kind = torch.uint8 if len(scores) < 256 else torch.int16
        return MetaTensor(made.argmax(dim=0, keepdim=True).to(kind))


def plain_probabilities(
    scores: torch.Tensor, image: MetaTensor, preprocessing: Compose
) -> MetaTensor:
    """Return all class probabilities, brought back at full size by the preprocessing's inverse.

    Parameters
    ----------
    scores
        (classes, x, y[, z]) on the grid of ``image``.
    image
        What the network got, with the record of what ``preprocessing`` did to it.
    """
    return brought_back(scores.softmax(dim=0), image, preprocessing)


def brought_back(values: torch.Tensor, image: MetaTensor, preprocessing: Compose) -> MetaTensor:
    """Return values (channels, x, y[, z]) of the network's grid on the image's own."""
    back = Invertd("pred", preprocessing, orig_keys="image", nearest_interp=False)
    return back({"pred": MetaTensor(values), "image": image})["pred"]


def _images(inputs: torch.Tensor) -> list[MetaTensor]:
    if isinstance(inputs, MetaTensor) and inputs.is_batch:
        return decollate_batch(inputs)
    return [one if isinstance(one, MetaTensor) else MetaTensor(one) for one in inputs]


def _over_slices(network: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda windows: network(windows[..., 0])[..., None]


def _with_third_axis(way: GridMap) -> GridMap:
    return GridMap((*way.axes, AxisMap.identity(1)), (*way.order, 2))


def _grown(image: torch.Tensor, way: GridMap, size: Sequence[int]) -> tuple[torch.Tensor, GridMap]:
    """Return an image that is nowhere smaller than a window, and the way back from it."""
    padding, axes = [], list(way.axes)
    for axis, (length, least) in enumerate(zip(image.shape[1:], size, strict=True)):
        low = max(least - length, 0) // 2
        padding.append((low, max(least - length, 0) - low))
        place = way.order.index(axis)
        axes[place] = replace(axes[place], taps=axes[place].taps + low, size=max(least, length))
    if any(map(any, padding)):
        image = torch.nn.functional.pad(image, [n for pair in reversed(padding) for n in pair])
    return image, GridMap(tuple(axes), way.order)
