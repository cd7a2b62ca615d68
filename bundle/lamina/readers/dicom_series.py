"""Which DICOM series a set of files holds, from the headers of the files alone.

Slices belong together if they have the same SeriesInstanceUID, study, patient, size, orientation
and pixel spacing, wherever their files lie (`lamina.readers.dicom_parts` says which of them are one
volume). A file with several frames is a series by itself, but for the files of a concatenation, and
for those of one UID whose slices lie between or next to each other. Identical copies of an instance
count once.

The address of a series is its folder, or folder#SeriesInstanceUID where the folder holds more than
it, or file#frames; the parts of one UID are folder#UID:1, folder#UID:2 and so on.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lamina.errors import ReadError
from lamina.readers.dicom_parts import Parts, alike, by_folder, by_moment, by_stack, files_join
from lamina.readers.dicom_slices import NoImageError, Slice, UnreadFile, read_slices

Groups = dict[tuple[str, str], list[Slice]]


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
        for plane in alike(members):
            folders = by_folder(plane) if key[0] == "series" else [plane]
            for stack in (one for folder in folders for one in by_stack(folder)):
                whole, lacking = by_moment(stack)
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


def _by_key(slices: Iterable[Slice]) -> Groups:
    """Return the slices by what makes them one series: concatenation, file, UID or folder."""
    groups: Groups = defaultdict(list)
    for one in slices:
        if one.concatenation:
            key = ("concatenation", one.concatenation)
        elif one.frames > 1:
            key = ("file", str(one.path))
        else:
            whose = "\n".join((one.uid, *one.owner))
            key = ("series", whose) if one.uid else ("folder", str(one.path.parent))
        groups[key].append(one)
    return dict(sorted(_with_joined_files(groups).items()))


def _with_joined_files(groups: Groups) -> Groups:
    """Take files of several frames for one where their slices lie between or next to each other."""
    files: dict[tuple[str, ...], Parts] = defaultdict(list)
    joined: Groups = {}
    for key, members in groups.items():
        if key[0] == "file" and members[0].uid:
            files[members[0].uid, *members[0].owner].append(members)
        else:
            joined[key] = members
    for whose, parts in files.items():
        name = "\n".join(whose)
        # Files of one frame stand together already.
        singles = [one for one in joined.get(("series", name), []) if one.frame is not None]
        together = [*parts, *([one] for one in singles)]
        if len(together) > 1 and files_join(together):
            joined["concatenation", name] = [one for part in together for one in part]
            rest = [one for one in joined.pop(("series", name), []) if one.frame is None]
            joined |= {("series", name): rest} if rest else {}
        else:
            joined |= {("file", str(part[0].path)): part for part in parts}
    return joined


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
