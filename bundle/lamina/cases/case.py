"""One case: an image, its label where there is one, whose image it is, and its name."""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lamina.readers.source import Source

Split = Literal["training", "validation", "test"]
SPLITS: tuple[Split, ...] = ("training", "validation", "test")


@dataclass(frozen=True)
class Case:
    """An image and what belongs to it.

    ``name`` is unique in its data set and safe as a file name. ``image`` and ``label`` are kept
    as `lamina.readers.Source`, the label knowing its image. ``split`` is what the folder itself
    says, None where it says nothing.
    """

    name: str
    image: str
    label: str | None
    patient: str
    split: Split | None = None

    def __post_init__(self) -> None:
        """Let image and label be sources, whatever they were given as."""
        image = Source.of(self.image)
        object.__setattr__(self, "image", image)
        if self.label is not None:
            object.__setattr__(self, "label", Source(self.label, rules=image.rules, image=image))


@dataclass(frozen=True)
class DataSet:
    """The cases of a folder, how they were found, and what is wrong with it.

    Each problem is one sentence that names a file and, after an arrow, the remedy. What stands in
    ``cases`` can be used in spite of them.
    """

    root: Path
    layout: str
    cases: tuple[Case, ...]
    problems: tuple[str, ...] = ()

    @property
    def labelled(self) -> list[Case]:
        """The cases that have a label."""
        return [case for case in self.cases if case.label is not None]


def items(cases: Iterable[Case]) -> list[dict[str, str]]:
    """Return cases as the items of a MONAI data set.

    >>> items([Case("a", "a.png", "m.png", "a"), Case("b", "b.png", None, "b")])
    [{'image': 'a.png', 'label': 'm.png', 'case': 'a'}, {'image': 'b.png', 'case': 'b'}]
    """
    return [
        {"image": case.image, **({"label": case.label} if case.label else {}), "case": case.name}
        for case in cases
    ]


_LONGEST = 80
_LONGEST_BYTES = 160


def safe_name(text: str) -> str:
    """Return a text that is safe as a file name: letters, digits, dots, dashes, underscores.

    Of a long one, the end is kept: file systems allow 255 bytes, suffixes included, and a letter
    may take four. What is not UTF-8 becomes an underscore.

    >>> safe_name("Müller, A/left eye#1.2")
    'Müller_A_left_eye_1.2'
    """
    name = re.sub(r"[^\w.-]+", "_", text).strip("._")[-_LONGEST:]
    return name.encode()[-_LONGEST_BYTES:].decode(errors="ignore") or "case"


def unique_names(keys: Sequence[str]) -> list[str]:
    """Return a safe name for each of several different texts, no two of them alike.

    Names that would be alike get a short hash of the text, so that they do not hang on the order
    or on what else is there.

    >>> unique_names(["a b", "c"]), unique_names(["a/1", "a 1"])
    (['a_b', 'c'], ['a_1-773232', 'a_1-042a5f'])
    """
    names = [safe_name(key) for key in keys]
    # Compared without case, as the file systems of Windows and macOS do.
    count = Counter(name.casefold() for name in names)
    return [
        name if count[name.casefold()] == 1 else f"{name}-{_short_hash(key)}"
        for name, key in zip(names, keys, strict=True)
    ]


def _short_hash(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:6]
