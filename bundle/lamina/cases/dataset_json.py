"""What a data set's ``dataset.json`` declares, as the Decathlon and nnU-Net write it."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamina.errors import DataError
from lamina.files import read_json
from lamina.tasks.labels import IGNORE

NAME = "dataset.json"
_CHANNEL = re.compile(r"_(\d{4})\.[^/]+$")


@dataclass(frozen=True)
class Declared:
    """Names by value, the value that is ignored, regions, the number of channels, and files."""

    path: Path
    names: Mapping[int, str] = field(default_factory=dict)
    ignore: int | None = None
    regions: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    channels: int | None = None
    training: tuple[str, ...] | None = None
    count: int | None = None

    @property
    def values(self) -> set[int]:
        """All values that a label file may hold."""
        of_regions = {value for values in self.regions.values() for value in values}
        ignored = set() if self.ignore is None else {self.ignore}
        return {*self.names, *of_regions, *ignored}


def read_declared(root: Path) -> Declared:
    """Return what a folder's ``dataset.json`` declares, nothing where there is none.

    The Decathlon writes {"1": "Anterior"}, nnU-Net {"Anterior": 1}, and {"ignore": 3}.

    Raises
    ------
    DataError
        If a label's value is no whole number, or two labels have one value.

    Examples
    --------
    >>> read_declared(Path("/nowhere")).values
    set()
    """
    path = root / NAME
    content = read_json(path) if path.is_file() else {}
    if not isinstance(content, dict):
        return Declared(path)  # a list of cases, which may have this name
    names, regions, ignore = _labels(path, content.get("labels") or {})
    channels = content.get("channel_names") or content.get("modality")
    return Declared(
        path,
        names,
        ignore,
        regions,
        len(channels) if isinstance(channels, dict) else None,
        _training(content.get("training")),
        content.get("numTraining") if isinstance(content.get("numTraining"), int) else None,
    )


def _labels(
    path: Path, labels: Any
) -> tuple[dict[int, str], dict[str, tuple[int, ...]], int | None]:
    if isinstance(labels, list):
        labels = {str(name): value for value, name in enumerate(labels)}
    if not isinstance(labels, dict):
        raise DataError(f"{path}: labels is {labels!r}, expected names and values", _FORM)
    names: dict[int, str] = {}
    regions: dict[str, tuple[int, ...]] = {}
    ignore = None
    for key, value in labels.items():
        by_value = _is_whole(key) and not _is_whole(value)
        number, name = (key, str(value)) if by_value else (value, str(key))
        if isinstance(number, list) and all(map(_is_whole, number)):
            regions[name] = tuple(map(int, number))
            continue
        if not _is_whole(number):
            raise DataError(f"{path}: label {name!r} has the value {number!r}", _FORM)
        if int(number) in names or int(number) == ignore:
            raise DataError(f"{path}: two labels have the value {number}", "give each its own")
        if name.strip().lower() == IGNORE:
            ignore = int(number)
        else:
            names[int(number)] = name.strip() or f"structure {number}"
    return names, regions, ignore


_FORM = 'write {"background": 0, "liver": 1}, or {"0": "background", "1": "liver"}'


def _is_whole(value: Any) -> bool:
    return not isinstance(value, bool) and re.fullmatch(r"-?\d+", str(value)) is not None


def _training(entries: Any) -> tuple[str, ...] | None:
    if not isinstance(entries, list):
        return None
    files = [
        one.get(key) if isinstance(one, dict) else one if key == "image" else None
        for one in entries
        for key in ("image", "label")
    ]
    return tuple(file for file in files if isinstance(file, str))


def value_problems(declared: Declared, found: Collection[int]) -> list[str]:
    """Say which values label files hold that are not declared; both are shown.

    >>> value_problems(Declared(Path("dataset.json"), {0: "background", 1: "liver"}), {0, 1, 4})[0]
    'dataset.json declares the values 0, 1, but the label files hold 0, 1, 4\\n  → ...'
    """
    if not declared.values or set(found) <= declared.values:
        return []
    shown = [", ".join(map(str, sorted(values))) for values in (declared.values, found)]
    text = f"{declared.path} declares the values {shown[0]}, but the label files hold {shown[1]}"
    return [f"{text}\n  → correct its labels: which structure is {_unlike(declared, found)}?"]


def _unlike(declared: Declared, found: Iterable[int]) -> str:
    return ", ".join(str(value) for value in sorted(set(found) - declared.values))


def never_found(declared: Declared, found: Collection[int]) -> list[str]:
    """Say which declared structures no label file holds."""
    absent = [f"{declared.names[v]} ({v})" for v in sorted({*declared.names} - {0, *found})]
    if not absent or not found:
        return []
    text = f"{declared.path} declares {', '.join(absent)}, which no label file holds"
    return [f"{text}\n  → correct its labels, or the masks"]


def file_problems(root: Path, addresses: Collection[str], labelled: int) -> Iterator[str]:
    """Yield where a folder's ``dataset.json`` and its files disagree; both are shown.

    Parameters
    ----------
    root
        The data set's folder.
    addresses
        Of its images and labels.
    labelled
        The number of cases with a label outside the test set.
    """
    declared = read_declared(root)
    channels = {found.group(1) for one in addresses if (found := _CHANNEL.search(one))}
    if channels and declared.channels not in (None, len(channels)):
        yield (
            f"{declared.path} declares {declared.channels} channel(s), but the files have "
            f"{', '.join(f'_{one}' for one in sorted(channels))}\n  → correct channel_names"
        )
    for file in declared.training or ():
        path = root / file
        channel = path.with_name(re.sub(r"(\.nii)?(\.[^.]+)$", r"_0000\g<0>", path.name))
        if not path.exists() and not channel.exists():
            yield f"{declared.path} lists {file}, which is not there\n  → correct the list"
    if declared.count not in (None, labelled):
        yield (
            f"{declared.path} declares numTraining {declared.count}, but {labelled} cases have a "
            "label\n  → correct it, or add what is missing"
        )
