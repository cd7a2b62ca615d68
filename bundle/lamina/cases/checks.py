"""What the files of cases really hold, and what is wrong with them."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lamina.cases.case import Case, DataSet
from lamina.errors import DataError, GeometryError, ReadError
from lamina.readers.grid import Grid, grid_difference
from lamina.readers.images import read_grid, read_image, read_label
from lamina.readers.label_values import distinct_values
from lamina.readers.source import Source
from lamina.tasks.labels import IGNORED, Label, is_ignoring

READ_WHOLE_BELOW = 500_000_000


@dataclass(frozen=True)
class CaseFacts:
    """A case, its image's grid, the values of its label, and what is wrong with its files.

    ``grid`` is None where the image can't be read; ``values`` is empty where there is no label
    that can be read.
    """

    case: Case
    grid: Grid | None
    values: tuple[int, ...]
    problems: tuple[str, ...]


def read_facts(
    cases: Sequence[Case],
    values: Mapping[str, int | str] | None = None,
    *,
    grid_tolerance: float = 0.1,
    read_whole_below: int = READ_WHOLE_BELOW,
) -> list[CaseFacts]:
    """Read every label and every image's header.

    Parameters
    ----------
    cases
        Those without a label are read for their image alone.
    values
        What label files hold and the class that it stands for, as `read_label` takes it.
    grid_tolerance
        How far image and label may lie apart, in the smallest spacing.
    read_whole_below
        Images are read whole, to find broken data and NaN, if their files have no more bytes
        than this together; 0 reads headers only.
    """
    whole = _size(case.image for case in cases) <= read_whole_below
    return [_read_case(case, values, grid_tolerance, whole) for case in cases]


def _read_case(
    case: Case, values: Mapping[str, int | str] | None, tolerance: float, whole: bool
) -> CaseFacts:
    grid: Grid | None = None
    problems: list[str] = []
    try:
        grid = read_image(case.image)[1] if whole else read_grid(case.image)
    except (ReadError, GeometryError) as error:
        problems.append(str(error))
    if case.label is None:
        return CaseFacts(case, grid, (), tuple(problems))
    try:
        label, label_grid = read_label(case.label, values)
    except (ReadError, GeometryError) as error:
        return CaseFacts(case, grid, (), (*problems, str(error)))
    difference = grid_difference(label_grid, grid, tolerance) if grid else None
    if difference:
        problems.append(
            f"{case.label}: not on the grid of {case.image}: {difference} of the image\n"
            "  → resample the label to its image, by nearest neighbour"
        )
    found = tuple(int(value) for value in distinct_values(label))
    return CaseFacts(case, grid, found, tuple(problems))


def _size(addresses: Iterable[str]) -> int:
    """Return how many bytes the files of images have; one that is missing has none."""
    return sum(file.stat().st_size for address in addresses for file in _files(address))


def _files(address: str) -> list[Path]:
    try:
        return [file for file in Source.of(address).files if file.is_file()]
    except ReadError:  # is told where the image is read
        return []


_MOST_LINES = 20

logger = logging.getLogger(__name__)


def require_usable(
    dataset: DataSet,
    labels: Sequence[Label],
    values: Mapping[str, int | str] | None = None,
    *,
    read_whole_below: int = READ_WHOLE_BELOW,
) -> dict[str, tuple[int, ...]]:
    """Check a data set before it trains or is evaluated; return what each case's label holds.

    Unpaired files are only a warning in the log, since the rest can be used.

    Raises
    ------
    DataError
        If no case has a label, or a labelled case can't be used: all in one list.
    """
    facts = read_facts(dataset.labelled, values, read_whole_below=read_whole_below)
    wrong = problems_in(facts, labels, values)
    if not dataset.labelled:
        wrong = ["no image has a label\n  → put labels where `lamina data` finds them"]
    if wrong:
        listed = bounded([*wrong, *dataset.problems])
        count = len(wrong) + len(dataset.problems)
        raise DataError("\n".join([f"{dataset.root}: problems: {count}", *listed]))
    for problem in bounded(dataset.problems):
        logger.warning("%s", problem)
    return {one.case.name: one.values for one in facts}


def check_cases(
    cases: Sequence[Case],
    labels: Sequence[Label],
    values: Mapping[str, int | str] | None = None,
    *,
    grid_tolerance: float = 0.1,
    read_whole_below: int = READ_WHOLE_BELOW,
) -> list[str]:
    """Read every label and every image's header, and say what is wrong.

    Parameters
    ----------
    labels
        The classes that a label may hold.
    cases, values, grid_tolerance, read_whole_below
        As `read_facts` takes them.
    """
    facts = read_facts(
        cases, values, grid_tolerance=grid_tolerance, read_whole_below=read_whole_below
    )
    return problems_in(facts, labels, values)


def problems_in(
    facts: Sequence[CaseFacts],
    labels: Sequence[Label],
    values: Mapping[str, int | str] | None = None,
) -> list[str]:
    """Return what is wrong with files, and with the labels for these classes."""
    known = {label.value for label in labels} | ({IGNORED} if is_ignoring(values) else set())
    wrong: list[str] = []
    for one in facts:
        wrong += one.problems
        strange = [value for value in one.values if value not in known]
        if strange:
            wrong.append(
                f"{one.case.label}: values {format_values(strange)}, "
                f"expected {format_values(sorted(known))}\n"
                '  → correct the mask, or map it in the task: "label_values": {"0": 0, "255": 1}'
            )
        if one.values == (IGNORED,) and is_ignoring(values):
            wrong.append(
                f"{one.case.label}: all voxels are ignored\n  → leave the case out, or annotate it"
            )
    with_label = [one for one in facts if one.values]
    if with_label and not any(set(one.values) - {0, IGNORED} for one in with_label):
        wrong.append(
            f"no foreground in any of {len(with_label)} labels: all values are 0\n"
            '  → correct the masks, or map them in the task: "label_values": {"0": 0, "255": 1}'
        )
    return wrong


def format_values(values: Sequence[int], most: int = 12) -> str:
    """Return class values as a list for people, shortened.

    >>> format_values([0, 30, 60], most=2)
    '0, 30 … (3 in all)'
    """
    more = f" … ({len(values)} in all)" if len(values) > most else ""
    return ", ".join(str(value) for value in values[:most]) + more


def bounded(lines: Sequence[str], most: int = _MOST_LINES) -> list[str]:
    """Return at most so many lines, and how many more there are.

    >>> bounded(["a", "b", "c"], most=2)
    ['a', 'b', '… and 1 more']
    """
    more = [f"… and {len(lines) - most} more"] if len(lines) > most else []
    return [*lines[:most], *more]
