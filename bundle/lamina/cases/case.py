"""One case: an image, its label where there is one, and whose image it is."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Split = Literal["training", "validation", "test"]
SPLITS: tuple[Split, ...] = ("training", "validation", "test")


@dataclass(frozen=True)
class Case:
    """An image and what belongs to it.

    ``name`` is unique in its data set and safe as a file name. ``image`` is one string: a file, a
    folder with one DICOM series, or folder#SeriesInstanceUID. ``split`` is what the folder itself
    says, None where it says nothing.
    """

    name: str
    image: str
    label: str | None
    patient: str
    split: Split | None = None


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
