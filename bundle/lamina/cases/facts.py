"""What the files of a case really hold, read once and used by checks and descriptions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lamina.cases.address import split_address
from lamina.cases.case import Case
from lamina.cases.grid import Grid, grid_difference
from lamina.cases.images import read_grid, read_image, read_label
from lamina.cases.label_values import distinct_values
from lamina.errors import GeometryError, ReadError

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
    values: Mapping[str, int] | None = None,
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
    case: Case, values: Mapping[str, int] | None, tolerance: float, whole: bool
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
        label, label_grid = read_label(Path(case.label), values)
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
    return sum(file.stat().st_size for address in addresses for file in _files(Path(address)))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [file for file in split_address(path)[0].glob("*") if file.is_file()]
