"""The grey value of each class, learned from all masks of a data set at once.

Learned mask by mask, a grey value would change its class wherever a structure is absent.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lamina.cases.find import find_cases, find_images
from lamina.errors import DataError
from lamina.readers.images import read_label
from lamina.readers.label_values import format_codes


@dataclass(frozen=True)
class LearnedValue:
    """A grey value, its class, the number of masks with it, and its fraction of all pixels."""

    code: int
    value: int
    masks: int
    fraction: float


@dataclass
class _Counts:
    """How often each grey value occurs: in masks, in pixels, on the pictures' edges."""

    masks: Counter[int] = field(default_factory=Counter)
    pixels: Counter[int] = field(default_factory=Counter)
    edges: Counter[int] = field(default_factory=Counter)

    def add(self, codes: NDArray[np.integer]) -> None:
        """Count one mask."""
        pixels, inside = (
            Counter(codes.ravel().tolist()),
            Counter(codes[1:-1, 1:-1].ravel().tolist()),
        )
        self.masks.update(pixels.keys())
        self.pixels.update(pixels)
        self.edges.update({code: count - inside[code] for code, count in pixels.items()})


def mask_files(source: Path) -> list[Path]:
    """Return the labels of a data set, or all images of a folder that holds only masks.

    Raises DataError if there is none.
    """
    labels = [Path(case.label) for case in find_cases(source).cases if case.label]
    masks = labels or [Path(image) for image in find_images(source).sources]
    if not masks:
        raise DataError(f"{source}: no masks", "name a folder of label images")
    return masks


def learn_values(
    masks: Sequence[Path], classes: int, background: int | None = None
) -> list[LearnedValue]:
    """Return the grey value of each class, background first, the others by size.

    Parameters
    ----------
    masks
        Files whose pixels hold grey codes.
    classes
        Number of classes with the background.
    background
        The grey value of class 0. Without it the smallest is taken, if it is also the most
        frequent on the pictures' edges.

    Raises
    ------
    DataError
        If there are not as many grey values as classes, or the background is unclear.
    ReadError
        If a mask can't be read, or holds colours.
    """
    counts = _Counts()
    for path in masks:
        counts.add(read_label(path)[0])
    codes = sorted(counts.masks)
    if len(codes) != classes:
        raise DataError(
            f"{len(masks)} masks: {len(codes)} different values {format_codes(np.array(codes))}, "
            f"expected {classes}, one for each class",
            "give all masks at once; a value too many is often an edge smoothed by resampling",
        )
    first = _background(counts.edges, codes, background)
    total = sum(counts.pixels.values())
    ordered = [first, *(code for code in codes if code != first)]
    return [
        LearnedValue(code, value, counts.masks[code], counts.pixels[code] / total)
        for value, code in enumerate(ordered)
    ]


def _background(edges: Mapping[int, int], codes: Sequence[int], given: int | None) -> int:
    if given is not None:
        if given not in codes:
            raise DataError(
                f"background {given}: no mask has that value",
                f"choose from {format_codes(np.array(codes), most=len(codes))}",
            )
        return given
    smallest, usual = codes[0], max(codes, key=lambda code: edges[code])
    if smallest != usual:
        raise DataError(
            f"the smallest value is {smallest}, but the pictures' edges show mostly {usual}: "
            "it is unclear which of them is the background",
            f"add --background {usual}, or --background {smallest}",
        )
    return smallest
