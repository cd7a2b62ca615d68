"""Which slices of one DICOM series are one volume, and which are parts of their own.

Slices are alike if size, orientation (each direction cosine within 1e-3) and pixel spacing are.
Folders of one UID are one volume where their slices lie between or next to each other, in even
steps. Where several slices lie at one position, those of one time point, b-value, direction, echo,
image type or acquisition belong together; a part that lacks slices which others have is named and
not read.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lamina.readers.dicom_geometry import (
    SAME_DIRECTION,
    SAME_POSITION_MM,
    SAME_SPACING_MM,
    SLICE_TOLERANCE,
    slice_positions,
)
from lamina.readers.dicom_slices import MOMENTS, Moment, Slice, UnreadFile

_NEXT = 4.5
"""Stacks follow each other where they lie less than so many slice distances apart: a few slices
may be missing (`lamina.readers.dicom_rules`), also where one folder ends."""

Parts = list[list[Slice]]


def alike(slices: Iterable[Slice]) -> Parts:
    """Divide slices by size, orientation and spacing, each compared with the first of its part.

    >>> alike([])
    []
    """
    parts: Parts = []
    for one in slices:
        part = next((part for part in parts if _fits(part[0], one)), None)
        if part is None:
            parts.append([one])
        else:
            part.append(one)
    return sorted(parts, key=lambda part: (part[0].size, _rounded(part[0].orientation)))


def _fits(first: Slice, other: Slice) -> bool:
    return (
        first.size == other.size
        and _close(first.orientation, other.orientation, SAME_DIRECTION)
        and _close(first.spacing, other.spacing, SAME_SPACING_MM)
    )


def _close(
    first: NDArray[np.float64] | None, other: NDArray[np.float64] | None, tolerance: float
) -> bool:
    if first is None or other is None:
        return first is other
    return bool(np.abs(first - other).max() <= tolerance)


def _rounded(values: NDArray[np.float64] | None) -> tuple[float, ...]:
    return () if values is None else tuple((values.round(2) + 0.0).tolist())


def by_folder(slices: Sequence[Slice]) -> Parts:
    """Keep folders of one UID apart, unless their slices lie between or next to each other.

    >>> by_folder([])
    []
    """
    folders: dict[Path, list[Slice]] = defaultdict(list)
    for one in slices:
        folders[one.path.parent].append(one)
    stacks = [folders[folder] for folder in sorted(folders)]
    if len(stacks) < 2 or slices[0].orientation is None:
        return stacks
    if _continue(stacks):
        return [list(slices)]
    joined = [stacks[0]]
    for stack in stacks[1:]:
        earlier = next((one for one in joined if _continue([one, stack])), None)
        if earlier is None:
            joined.append(stack)
        else:
            earlier += stack
    return joined


def files_join(files: Parts) -> bool:
    """Say whether files of several frames, of one UID, hold slices of the same volumes.

    >>> files_join([])
    False
    """
    slices = [one for file in files for one in file]
    if not slices or slices[0].orientation is None or len(alike(slices)) > 1:
        return False
    if not _continue(files):
        return False
    parts = by_moment(slices)[0]
    return bool(parts) and all(max(Counter(_places(part)).values()) == 1 for part in parts)


def _continue(stacks: Sequence[Sequence[Slice]]) -> bool:
    """Say whether stacks make one: even steps, no position in two of them, no wide gap between.

    Steps may be whole multiples of the usual one, where slices are missing. Within a stack a
    position may stand several times, as it does for echoes and time points.
    """
    along = slice_positions([one for stack in stacks for one in stack])
    ends = np.cumsum([len(stack) for stack in stacks])[:-1]
    places = [_distinct(part) for part in np.split(along, ends)]
    gaps = np.diff(np.sort(np.concatenate(places)))
    if gaps.min(initial=np.inf) < SAME_POSITION_MM:
        return False
    steps = gaps / np.median(gaps)
    if np.abs(steps - steps.round()).max() > SLICE_TOLERANCE:
        return False
    places.sort(key=lambda part: float(part[0]))
    reach = np.maximum.accumulate([part[-1] for part in places])
    starts = np.array([part[0] for part in places[1:]])
    return bool((starts - reach[:-1]).max() <= _NEXT * np.median(gaps))


def _distinct(along: NDArray[np.float64]) -> NDArray[np.float64]:
    along = np.sort(along)
    return along[np.diff(along, prepend=-np.inf) >= SAME_POSITION_MM]


def by_stack(slices: Sequence[Slice]) -> Parts:
    """Divide frames by their StackID, where each stack has several of them.

    >>> by_stack([])
    [[]]
    """
    stacks = _divided(slices, [MOMENTS.index("StackID")])
    several = len(stacks) > 1 and min(map(len, stacks.values())) > 1
    return list(stacks.values()) if several else [list(slices)]


def by_moment(slices: Sequence[Slice]) -> tuple[Parts, list[UnreadFile]]:
    """Divide slices of which several lie at one position; name the parts that lack some."""
    where = dict(zip(slices, _places(slices), strict=True))
    counts = Counter(where.values())
    copies = max(counts.values())
    if copies > 1:
        for names in _choices(slices):
            parts = _divided(slices, names)
            sizes = [len(part) for part in parts.values()]
            apart = all(len({where[one] for one in part}) == len(part) for part in parts.values())
            if len(parts) == copies and max(sizes) == len(counts) and apart:
                return _complete(parts, names, len(counts))
    if len(counts) == 1 and slices[0].frames == len(slices):
        return [[one] for one in slices], []
    return [list(slices)], []


def _places(slices: Sequence[Slice]) -> list[tuple[int, ...]]:
    """Return the same numbers for slices at one position, within the tolerance of each axis."""
    positions = np.array([one.position for one in slices])
    order = positions.argsort(axis=0)
    steps = np.diff(np.take_along_axis(positions, order, 0), axis=0) > SAME_POSITION_MM
    numbers = np.zeros(positions.shape, int)
    np.put_along_axis(numbers, order[1:], steps.cumsum(axis=0), 0)
    return [tuple(row) for row in numbers.tolist()]


def _choices(slices: Sequence[Slice]) -> Iterator[tuple[int, ...]]:
    """Yield the attributes that may tell parts apart: each by itself, then two or three together."""
    columns = enumerate(zip(*(one.moments for one in slices), strict=True))
    differing = [number for number, values in columns if len(set(values)) > 1]
    for count in (1, 2, 3):
        yield from itertools.combinations(differing, count)


def _divided(
    slices: Sequence[Slice], names: Sequence[int]
) -> dict[tuple[Moment, ...], list[Slice]]:
    parts = defaultdict(list)
    for one in slices:
        parts[tuple(one.moments[name] if one.moments else None for name in names)].append(one)
    return dict(sorted(parts.items(), key=lambda part: [_sorted_as(value) for value in part[0]]))


def _sorted_as(value: Moment) -> tuple[float, str]:
    return (value, "") if isinstance(value, float) else (-np.inf, value or "")


def _complete(
    parts: dict[tuple[Moment, ...], list[Slice]], names: Sequence[int], full: int
) -> tuple[Parts, list[UnreadFile]]:
    titles = [MOMENTS[name] for name in names]
    unread = []
    for values, part in parts.items():
        if len(part) < full:
            which = ", ".join(
                f"{title} {value}" for title, value in zip(titles, values, strict=True)
            )
            reason = f"of {which} there are {len(part)} slices, of others {full}: it is not read"
            unread += [UnreadFile(path, reason) for path in sorted({one.path for one in part})]
    return [part for part in parts.values() if len(part) == full], unread
