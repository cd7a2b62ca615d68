"""What is known of a data set once each of its cases has been read."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamina.cases.case import Case


@dataclass(frozen=True)
class Structure:
    """One class in one case.

    ``voxels`` and ``components`` (connected by faces) are counts; ``centre`` is the centre of
    mass in fractions of the image's axes, in RAS+ order for volumes.
    """

    voxels: int
    components: int
    centre: tuple[float, ...]


@dataclass(frozen=True)
class Thumbnail:
    """A small slice of a case, grey values and label values, (rows, columns)."""

    grey: NDArray[np.uint8]
    mask: NDArray[np.int32]


@dataclass(frozen=True)
class CaseSurvey:
    """One case, axes in RAS+ order for volumes and as they lie for pictures.

    Parameters
    ----------
    files
        Image and label.
    source
        What the image is: "NIfTI", "DICOM MR", "picture, colour" and so on.
    orientation
        Where the file's axes point to, as "LPS"; "" for pictures.
    shape, spacing
        Along each axis; spacing in mm, or 1 where the file does not say.
    voxel_size
        In mm³ or mm², as `lamina.readers.Grid` has it; 1 where the file does not say.
    unit
        "mm" or "px".
    content
        A hash of the image's values.
    inside, outside, everywhere
        Samples of the intensities in any structure, in none, and in the whole image.
    structures
        By the value that the label file holds, without the background.
    between
        Values that only lie between others, as interpolated masks have them.
    ignored
        A value that may mean "not annotated", as `lamina.planning.ignored.looks_ignored` finds it.
    specks
        How many values have no voxel that lies inside, as lossy compression leaves them.
    edge
        What most of the label's outermost voxels hold.
    similarity_vector
        As `lamina.planning.duplicates.similarity_vector` returns it.
    mirror_losses
        As `lamina.planning.flipped.mirror_losses` returns them.
    patient
        A hash of the DICOM header's PatientID; "" where there is none.
    thumbnail
        What the page of a plan shows of it.
    """

    files: Case
    source: str
    orientation: str
    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    voxel_size: float
    unit: str
    content: str
    inside: NDArray[np.float32]
    outside: NDArray[np.float32]
    everywhere: NDArray[np.float32]
    structures: Mapping[int, Structure]
    between: tuple[int, ...]
    edge: int | None
    similarity_vector: NDArray[np.float32]
    mirror_losses: tuple[tuple[float, ...], ...]
    ignored: int | None = None
    specks: int = 0
    patient: str = ""
    thumbnail: Thumbnail | None = None


@dataclass(frozen=True)
class Unusable:
    """A case that can't be used, and why, with the remedy after an arrow."""

    files: Case
    reason: str
    thumbnail: Thumbnail | None = None


@dataclass(frozen=True)
class Survey:
    """All cases that can be used, and why the others can't."""

    cases: tuple[CaseSurvey, ...]
    unusable: tuple[Unusable, ...] = ()

    @property
    def values(self) -> list[int]:
        """What label files hold beside the background, in rising order."""
        return sorted({value for case in self.cases for value in case.structures})

    @property
    def edge(self) -> int | None:
        """What the outermost voxels of most labels hold, which is usually the background."""
        edges = Counter(case.edge for case in self.cases if case.edge is not None)
        return edges.most_common(1)[0][0] if edges else None

    @property
    def dims(self) -> int:
        """Axes of the images: 3 if most are volumes of more than one slice."""
        volumes = sum(len(case.shape) == 3 and min(case.shape) > 1 for case in self.cases)
        return 3 if 2 * volumes > len(self.cases) else 2


def median_of(rows: Sequence[Sequence[float]]) -> list[float]:
    """Return the median of each column.

    >>> median_of([(1, 10), (2, 30), (9, 20)])
    [2.0, 20.0]
    """
    return [float(value) for value in np.median(np.asarray(rows, dtype=float), axis=0)]


@dataclass(frozen=True)
class Defect:
    """What is wrong, how to fix it, and the names of the cases that have it.

    >>> print(Defect("a, b: the same image", "keep one of them", ("a", "b")))
    a, b: the same image → keep one of them
    """

    text: str
    remedy: str
    cases: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.text} → {self.remedy}" if self.remedy else self.text
