"""Images and labels that belong together, and unpaired files."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lamina.cases.case import Case, Split, unique_names
from lamina.cases.layouts import UNDERSTOOD, Place, without_label_ending
from lamina.errors import DataError

_CHANNEL = re.compile(r"(.+)_(\d{4})")
_SPLIT_ORDER: tuple[Split | None, ...] = (None, "training", "validation", "test")


@dataclass
class _Group:
    """The addresses of the images and labels with one key in one split."""

    images: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)


_Groups = Mapping[tuple[Split | None, str], _Group]


def pair(places: Sequence[Place]) -> tuple[list[Case], list[str]]:
    """Pair images and labels by split and key.

    A label's key may end in _mask, _seg or _label; an image's in nnU-Net's channel _0000.

    Returns
    -------
    Cases, those without a label among them, and one sentence for each unpaired file or one that
    shares its name. Images of a test folder that has no labels at all are no problem.

    Raises
    ------
    DataError
        If images have several channels.

    Examples
    --------
    >>> cases, problems = pair([
    ...     Place("images/a.png", "a", "image"), Place("masks/a.png", "a", "label"),
    ...     Place("masks/b.png", "b", "label"),
    ... ])
    >>> cases[0].label, problems[0].splitlines()[0]
    ('masks/a.png', 'masks/b.png: a label without an image')
    """
    images = [place for place in places if place.role == "image"]
    labels = [place for place in places if place.role == "label"]
    conflict = _several_label_folders(labels)
    groups = _group(images, [] if conflict else labels)
    cases = _cases(groups)
    if conflict:
        return cases, [conflict]
    return cases, _problems(groups) if labels else [f"no labels found: {UNDERSTOOD}"]


def _several_label_folders(labels: Iterable[Place]) -> str | None:
    folders = {place.folder for place in labels if place.folder}
    kinds = {re.sub(r"^labels(tr|va|ts)$", "labels", folder.lower()) for folder in folders}
    if len(kinds) < 2:
        return None
    names = ", ".join(f"{folder}/" for folder in sorted(folders))
    return (
        f"{len(kinds)} folders of masks, of which none is taken: {names}\n"
        "  → merge their masks into one folder masks/, with one class value for each"
    )


def _group(images: Sequence[Place], labels: Sequence[Place]) -> _Groups:
    label_keys = {(place.split, place.key) for place in labels}
    images = _without_channels(images, label_keys)
    image_keys = {(place.split, place.key) for place in images}
    groups: dict[tuple[Split | None, str], _Group] = defaultdict(_Group)
    for place in images:
        groups[place.split, place.key].images.append(place.address)
    for place in labels:
        short = without_label_ending(place.key)
        exact = (place.split, place.key) in image_keys or (place.split, short) not in image_keys
        groups[place.split, place.key if exact else short].labels.append(place.address)
    return groups


def _without_channels(
    images: Sequence[Place], label_keys: set[tuple[Split | None, str]]
) -> Sequence[Place]:
    """Cut nnU-Net's _0000 off the keys of images, if that is what pairs them with labels."""
    channels = {place: _CHANNEL.fullmatch(place.key) for place in images}
    if not any(
        match
        and (place.split, match[1]) in label_keys
        and (place.split, place.key) not in label_keys
        for place, match in channels.items()
    ):
        return images
    for place, match in channels.items():
        if match and match[2] != "0000":
            raise DataError(
                f"{place.address}: channel {int(match[2])} of an image, expected only channel 0",
                "Lamina reads images of one channel: keep the files that end in _0000",
            )
    return [replace(place, key=match[1]) if match else place for place, match in channels.items()]


def _cases(groups: _Groups) -> list[Case]:
    ones = [pair_key for pair_key, group in groups.items() if len(group.images) == 1]
    ones.sort(key=lambda one: (_SPLIT_ORDER.index(one[0]), one[1]))
    texts: list[str] = []
    for split, key in ones:
        # The same name in two splits is no sign of one patient: the later one is set apart.
        texts.append(f"{split}_{key}" if key in texts else key)
    cases = []
    for one, text, name in zip(ones, texts, unique_names(texts), strict=True):
        group = groups[one]
        label = group.labels[0] if len(group.labels) == 1 else None
        cases.append(Case(name, group.images[0], label, text, one[0]))
    return cases


def _problems(groups: _Groups) -> list[str]:
    labelled_splits = {split for (split, _), group in groups.items() if group.labels}
    problems = []
    for (split, key), group in sorted(groups.items(), key=lambda entry: entry[0][1]):
        for kind, files in (("images", group.images), ("labels", group.labels)):
            if len(files) > 1:
                problems.append(
                    f"{len(files)} {kind} for {key!r}: {', '.join(files)}\n  → keep one"
                )
        if not group.images:
            problems += [
                f"{file}: a label without an image\n  → add its image, or take it out"
                for file in group.labels
            ]
        elif not group.labels and (split != "test" or split in labelled_splits):
            problems += [
                f"{file}: an image without a label\n  → add its label, or take it out"
                for file in group.images
            ]
    return problems
