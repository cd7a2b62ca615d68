"""An image goes in, labels on the image's own grid come out."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import torch
from monai.data import MetaTensor, decollate_batch, list_data_collate
from monai.inferers import Inferer
from monai.transforms import Compose, Invertd

from lamina.errors import DataError
from lamina.inference.ensemble import MemberIterator, member_iterator
from lamina.inference.inverse_mapping import (
    InverseMapping,
    NotSeparableError,
    ResamplingMap,
    inverse_mapping,
)
from lamina.inference.label_grid import LabelGrid, ProbabilityGrid
from lamina.inference.mirroring import mirrored
from lamina.inference.running_sum import run_windows
from lamina.inference.uncertainty import (
    EnsembleUncertainty,
    UncertaintyGrid,
    classes_of,
    with_uncertainty_channels,
)
from lamina.inference.windows import WindowInferer, WindowPlan

logger = logging.getLogger("lamina")


@dataclass(eq=False)
class GridInferer(Inferer):
    """Windows over an image and the inverse mapping to its own grid, a slab at a time.

    It returns the arg-max of class probabilities after the inverse of the preprocessing
    (`Invertd`), but neither on the network's grid nor on the image's are all
    classes held at full size: memory does not grow with the length of a scan.

    Parameters
    ----------
    roi_size, sw_batch_size, overlap, mode
        As in `WindowInferer`.
    preprocessing
        The transforms of the network's image; only used where they mix axes.
    mirror_axes
        Average over the window's mirror images along these axes, 0 is x; see `mirrored`.
    probabilities
        Return all class probabilities on the image's grid, at full size, in place of labels.
    disagreement
        Collects how far networks and mirror images disagree about each image.

    Attributes
    ----------
    watch
        Where it is set, it is called with the fraction of the image that is done.

    Examples
    --------
    >>> network = torch.nn.Conv2d(1, 3, 3, padding=1)
    >>> labels = GridInferer([16, 16])(MetaTensor(torch.ones(1, 1, 20, 24, 5)), network)
    >>> labels.shape, labels.dtype
    (torch.Size([1, 1, 20, 24, 5]), torch.uint8)
    """

    averages_members: ClassVar[bool] = True
    """Networks of an `Ensemble` are averaged here, so that only one of them is held at a time."""

    roi_size: Sequence[int]
    preprocessing: Compose | None = None
    sw_batch_size: int = 4
    overlap: float = 0.25
    mode: str = "gaussian"
    mirror_axes: Sequence[int] = ()
    probabilities: bool = False
    disagreement: EnsembleUncertainty | None = None
    watch: Callable[[float], None] | None = field(default=None, init=False)

    def __call__(
        self, inputs: torch.Tensor, network: Callable[..., torch.Tensor], *args: Any, **kwargs: Any
    ) -> torch.Tensor:
        """Return (batch, 1 or classes, x, y[, z]) for ``inputs`` of shape (batch, channels, x, y[, z]).

        Raises DataError if the image has fewer or more axes than the network works on.
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
        extended = run if self.disagreement is None else with_uncertainty_channels(run)
        averaged, members = mirrored(extended, self.mirror_axes), member_iterator(network)
        return list_data_collate(
            [self._on_own_grid(image, averaged, members) for image in _images(inputs)]
        )

    def _on_own_grid(
        self, image: MetaTensor, network: Callable[..., torch.Tensor], members: MemberIterator
    ) -> MetaTensor:
        affine = np.asarray(image.affine)
        try:
            mapping = inverse_mapping(image.applied_operations, image.shape[1:], affine)
        except NotSeparableError as reason:
            return self._at_full_size(image, network, members, reason)
        result = self._slab_by_slab(image.as_subclass(torch.Tensor), network, members, mapping)
        return MetaTensor(result, affine=image.meta.get("original_affine", affine))

    def _slab_by_slab(
        self,
        image: torch.Tensor,
        network: Callable[..., torch.Tensor],
        members: MemberIterator,
        mapping: InverseMapping,
    ) -> torch.Tensor:
        shape, run = mapping.shape, network
        if len(self.roi_size) == 2:
            run = _over_slices(network)
        if image.ndim == 3:
            image, mapping = image[..., None], _with_third_axis(mapping)
        size = (*self.roi_size, 1)[:3]
        image, mapping = _padded(image, mapping, size)
        plan = WindowPlan(tuple(image.shape[1:]), size, self.overlap, self.mode)
        grid = (ProbabilityGrid if self.probabilities else LabelGrid)(mapping, plan.axis)
        uncertainty = (
            UncertaintyGrid(self.disagreement, mapping, plan.axis) if self.disagreement else None
        )
        with torch.no_grad():
            for running in run_windows(image, run, plan, self.sw_batch_size, members):
                grid.collect(uncertainty.collect(running) if uncertainty else running)
                if self.watch is not None:
                    self.watch(running.final / plan.shape[plan.axis])
        if self.disagreement and uncertainty:
            self.disagreement.keep(uncertainty.result.reshape(-1, *shape), uncertainty.number)
        return grid.result.reshape(-1, *shape)

    def _at_full_size(
        self,
        image: MetaTensor,
        network: Callable[..., torch.Tensor],
        members: MemberIterator,
        reason: Exception,
    ) -> MetaTensor:
        if self.preprocessing is None:
            raise DataError(
                f"the inverse mapping to the image's own grid is unknown: {reason}",
                "name the preprocessing in the inferer's config",
            )
        logger.info("all classes are held at full size, which takes memory: %s", reason)
        windows = WindowInferer(self.roi_size, self.sw_batch_size, self.overlap, self.mode)
        with torch.no_grad():
            outputs = [windows(image[None], lambda x: network(x).float())[0] for _ in members()]
        scores = sum(outputs) / len(outputs)
        if self.disagreement is not None:
            values, number = self.disagreement.whole(scores)
            self.disagreement.keep(inverted(values, image, self.preprocessing), number)
            scores = scores[: classes_of(len(scores))]
        probabilities = plain_probabilities(scores, image, self.preprocessing)
        if self.probabilities:
            return probabilities
        kind = torch.uint8 if len(scores) < 256 else torch.int16
        return MetaTensor(probabilities.argmax(dim=0, keepdim=True).to(kind))


def plain_probabilities(
    scores: torch.Tensor, image: MetaTensor, preprocessing: Compose
) -> MetaTensor:
    """Return all class probabilities at full size, after the inverse of the preprocessing.

    Parameters
    ----------
    scores
        (classes, x, y[, z]) on the grid of ``image``.
    image
        The network's input, with the record of ``preprocessing``.
    """
    return inverted(scores.softmax(dim=0), image, preprocessing)


def inverted(values: torch.Tensor, image: MetaTensor, preprocessing: Compose) -> MetaTensor:
    """Return values (channels, x, y[, z]) of the network's grid on the image's own."""
    invert = Invertd("pred", preprocessing, orig_keys="image", nearest_interp=False)
    return invert({"pred": MetaTensor(values), "image": image})["pred"]


def _images(inputs: torch.Tensor) -> list[MetaTensor]:
    if isinstance(inputs, MetaTensor) and inputs.is_batch:
        return decollate_batch(inputs)
    return [image if isinstance(image, MetaTensor) else MetaTensor(image) for image in inputs]


def _over_slices(network: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda windows: network(windows[..., 0])[..., None]


def _with_third_axis(mapping: InverseMapping) -> InverseMapping:
    return InverseMapping((*mapping.axes, ResamplingMap.identity(1)), (*mapping.order, 2))


def _padded(
    image: torch.Tensor, mapping: InverseMapping, size: Sequence[int]
) -> tuple[torch.Tensor, InverseMapping]:
    """Return an image that is nowhere smaller than a window, and the mapping from it."""
    padding, axes = [], list(mapping.axes)
    for axis, (length, least) in enumerate(zip(image.shape[1:], size, strict=True)):
        low = max(least - length, 0) // 2
        padding.append((low, max(least - length, 0) - low))
        own = mapping.order.index(axis)
        axes[own] = replace(axes[own], taps=axes[own].taps + low, size=max(least, length))
    if any(map(any, padding)):
        image = torch.nn.functional.pad(image, [n for pair in reversed(padding) for n in pair])
    return image, InverseMapping(tuple(axes), mapping.order)
