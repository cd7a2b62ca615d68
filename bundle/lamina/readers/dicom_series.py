"""Which DICOM series a set of files holds, from the headers of the files alone.

Slices belong together if they have the same SeriesInstanceUID, study, patient, size, orientation (each direction
cosine within 1e-3) and pixel spacing, wherever their files lie: slices in several folders are one
volume where they lie between or next to each other, in even steps. Where several lie at one position, those of
one time point, b-value, direction, echo, image type or acquisition belong together; a part that
lacks slices which others have is named and not read. A file with several frames is a series by
itself, but for the files of a concatenation. Identical copies of an instance count once.

The address of a series is its folder, or folder#SeriesInstanceUID where the folder holds more than
it, or file#frames; the parts of one UID are folder#UID:1, folder#UID:2 and so on.
"""

import itertools
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lamina.errors import ReadError
from lamina.readers.dicom_geometry import (
    SAME_DIRECTION,
    SAME_POSITION_MM,
    SAME_SPACING_MM,
    SLICE_TOLERANCE,
    slice_positions,
)
from lamina.readers.dicom_slices import (
    MOMENTS,
    Moment,
    NoImageError,
    Slice,
    UnreadFile,
    read_slices,
)

_NEXT = 1.5
"""Stacks follow each other where they lie less than so many slice distances apart."""

Parts = list[list[Slice]]


@dataclass(frozen=True)
class Series:
    """The slices that make one image, in the order of their file names.

    ``address`` is the one string that stands for it: a folder, folder#SeriesInstanceUID where the
    folder holds several series, or the file where a slice has no place in space (an X-ray).
    """

    address: str
    slices: tuple[Slice, ...]


def find_series(files: Iterable[Path]) -> tuple[list[Series], list[UnreadFile]]:
    """Group DICOM files, of one folder or of several, into series of images.

    Returns
    -------
    The series, and the files that are no image or can't be read.
    """
    slices, unread = _read_all(files)
    slices, copies = _without_copies(slices)
    unread += copies
    unplaced = [one for one in slices if one.position is None]
    series = [Series(str(one.path), (one,)) for one in unplaced if one.frames == 1]
    parts: dict[tuple[str, str], Parts] = {}
    for key, members in _by_key(one for one in slices if one.position is not None).items():
        complete: Parts = []
        for alike in _alike(members):
            for stack in _by_folder(alike) if key[0] == "series" else [alike]:
                whole, lacking = _by_moment(stack)
                complete += whole
                unread += lacking
        # Series of one UID share its numbers, whoever's they are.
        name = key[1].partition("\n")[0] if key[0] == "series" else key[1]
        parts.setdefault((key[0], name), []).extend(complete)
    for one in unplaced:
        if one.frames > 1:
            parts.setdefault(("file", str(one.path)), []).append([one])
    crowded = _folders_of_several(series, parts)
    for key, complete in parts.items():
        series += _named(key, complete, crowded)
    return series, unread


def _read_all(files: Iterable[Path]) -> tuple[list[Slice], list[UnreadFile]]:
    slices: list[Slice] = []
    unread: list[UnreadFile] = []
    for path in sorted(files):
        try:
            slices += read_slices(path)
        except ReadError as error:
            unread.append(UnreadFile.of(path, error, not isinstance(error, NoImageError)))
    return slices, unread


def _without_copies(slices: Sequence[Slice]) -> tuple[list[Slice], list[UnreadFile]]:
    """Leave out files of one folder that are the same to the byte as an earlier one."""
    first: dict[tuple[Path, str], Path] = {}
    copies: dict[Path, UnreadFile] = {}
    for one in slices:
        earlier = first.setdefault((one.path.parent, one.instance), one.path)
        if earlier != one.path and one.instance and _same_file(earlier, one.path):
            reason = f"a copy of {earlier.name}, which is read once"
            copies[one.path] = UnreadFile(one.path, reason, broken=False)
    return [one for one in slices if one.path not in copies], list(copies.values())


def _same_file(first: Path, second: Path) -> bool:
    return first.stat().st_size == second.stat().st_size and (
        first.read_bytes() == second.read_bytes()
    )


def _by_key(slices: Iterable[Slice]) -> dict[tuple[str, str], list[Slice]]:
    """Return the slices by what makes them one series: concatenation, file, UID or folder."""
    groups = defaultdict(list)
    for one in slices:
        if one.concatenation:
            key = ("concatenation", one.concatenation)
        elif one.frames > 1:
            key = ("file", str(one.path))
        else:
            whose = "\n".join((one.uid, *one.owner))
            key = ("series", whose) if one.uid else ("folder", str(one.path.parent))
        groups[key].append(one)
    return dict(sorted(groups.items()))


def _alike(slices: Iterable[Slice]) -> Parts:
    """Divide slices by size, orientation and spacing, each compared with the first of its part."""
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


def _by_folder(slices: Sequence[Slice]) -> Parts:
    """Keep folders of one UID apart, unless their slices lie between or next to each other."""
    folders: dict[Path, list[Slice]] = defaultdict(list)
    for one in slices:
        folders[one.path.parent].append(one)
    stacks = [folders[folder] for folder in sorted(folders)]
    if len(stacks) < 2 or slices[0].orientation is None:
        return stacks
    joined = [stacks[0]]
    for stack in stacks[1:]:
        earlier = next((one for one in joined if _continue(one, stack)), None)
        if earlier is None:
            joined.append(stack)
        else:
            earlier += stack
    return joined


def _continue(first: Sequence[Slice], second: Sequence[Slice]) -> bool:
    """Say whether two stacks make one: even steps, no position twice, no gap between them.

    Steps may be whole multiples of the usual one, where slices are missing.
    """
    positions = slice_positions([*first, *second])
    gaps = np.diff(np.sort(positions))
    if gaps.min(initial=np.inf) < SAME_POSITION_MM:
        return False
    steps = gaps / np.median(gaps)
    if np.abs(steps - steps.round()).max() > SLICE_TOLERANCE:
        return False
    along = positions[: len(first)], positions[len(first) :]
    low, high = sorted((values.min(), values.max()) for values in along)
    return bool(high[0] - low[1] <= _NEXT * np.median(gaps))


def _by_moment(slices: Sequence[Slice]) -> tuple[Parts, list[UnreadFile]]:
    """Divide slices of which several lie at one position; name the parts that lack some."""
    positions = Counter(_rounded(one.position) for one in slices)
    copies = max(positions.values())
    if copies > 1:
        for names in _choices():
            parts = _divided(slices, names)
            sizes = [len(part) for part in parts.values()]
            apart = all(
                len({_rounded(one.position) for one in part}) == len(part)
                for part in parts.values()
            )
            if len(parts) == copies and max(sizes) == len(positions) and apart:
                return _complete(parts, names, len(positions))
    if len(positions) == 1 and slices[0].frames == len(slices):
        return [[one] for one in slices], []
    return [list(slices)], []


def _choices() -> Iterator[tuple[int, ...]]:
    """Yield the attributes that may tell parts apart: each by itself, then two together."""
    for count in (1, 2):
        yield from itertools.combinations(range(len(MOMENTS)), count)


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


def _folders_of_several(
    unplaced: Sequence[Series], parts: dict[tuple[str, str], Parts]
) -> set[Path]:
    """Return the folders whose name does not stand for one series."""
    folders = Counter(one.slices[0].path.parent for one in unplaced)
    for complete in parts.values():
        for part in complete:
            folders.update({one.path.parent for one in part})
    return {folder for folder, count in folders.items() if count > 1}


def _named(key: tuple[str, str], parts: Parts, crowded: set[Path]) -> Iterator[Series]:
    """Yield the parts of a series with their addresses."""
    per_folder: Counter[str] = Counter()
    addresses = []
    for part in parts:
        folders = sorted({str(one.path.parent) for one in part})
        folder = folders[0] if len(folders) == 1 else os.path.commonpath(folders)
        per_folder[folder] += 1
        addresses.append((folder, len(folders) == 1 and Path(folder) not in crowded))
    numbers: Counter[str] = Counter()
    for part, (folder, alone) in zip(parts, addresses, strict=True):
        numbers[folder] += 1
        several = f":{numbers[folder]}" if per_folder[folder] > 1 else ""
        if key[0] == "file":
            yield Series(key[1] + several.replace(":", "#frames:"), tuple(part))
        elif alone:
            yield Series(folder, tuple(part))
        else:
            yield Series(f"{folder}#{part[0].uid}{several}", tuple(part))
