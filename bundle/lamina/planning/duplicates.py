"""Duplicate images or patients, which may end up in both training and test."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from lamina.planning.survey import CaseSurvey, Defect

POOL = {2: torch.nn.AdaptiveAvgPool2d(48), 3: torch.nn.AdaptiveAvgPool3d(20)}
ALIKE = 0.9995
"""Correlation of similarity vectors from which images of one size count as copies."""


def similarity_vector(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return block means of an image, less their mean, of length 1: their product is a correlation.

    >>> same = similarity_vector(np.arange(4000.0, dtype=np.float32).reshape(50, 80))
    >>> round(float(same @ same), 4)
    1.0
    """
    pool = POOL[image.ndim]
    small = pool(torch.from_numpy(np.ascontiguousarray(image))[None]).numpy().ravel()
    centred = small - small.mean()
    return np.asarray(centred / max(float(np.linalg.norm(centred)), 1e-12), dtype=np.float32)


def find_duplicates(cases: Sequence[CaseSurvey]) -> Iterator[Defect]:
    """Yield identical images, near copies, and patients that have two names."""
    for same in _groups(cases, lambda case: case.content):
        yield _duplicates(same, f"the same image{_across(same)}", "keep one of them")
    for copies in _copies(cases):
        text = f"nearly the same image, as if saved again or scaled{_across(copies)}"
        yield _duplicates(copies, text, "keep one of them")
    yield from _patients(cases)


def _duplicates(cases: Sequence[CaseSurvey], text: str, remedy: str) -> Defect:
    names = tuple(case.files.name for case in cases)
    return Defect(f"{', '.join(names)}: {text}", remedy, names)


def _across(cases: Sequence[CaseSurvey]) -> str:
    several = len({case.files.patient for case in cases}) > 1
    return ", of different patients: it may end up in training and test" if several else ""


def _groups(
    cases: Sequence[CaseSurvey], key: Callable[[CaseSurvey], Hashable]
) -> list[list[CaseSurvey]]:
    groups: dict[Hashable, list[CaseSurvey]] = defaultdict(list)
    for case in cases:
        groups[key(case)].append(case)
    return [group for group in groups.values() if len(group) > 1]


def _copies(cases: Sequence[CaseSurvey]) -> Iterator[tuple[CaseSurvey, CaseSurvey]]:
    for group in _groups(cases, lambda case: (case.shape, case.similarity_vector.size)):
        rows = np.stack([case.similarity_vector for case in group])
        for a, b in np.argwhere(np.triu(rows @ rows.T, 1) > ALIKE):
            if group[a].content != group[b].content:
                yield group[a], group[b]


def _patients(cases: Sequence[CaseSurvey]) -> Iterator[Defect]:
    known = [case for case in cases if case.patient]
    for same in _groups(known, lambda case: case.patient):
        patients = len({case.files.patient for case in same})
        # One identifier for all is that of an anonymisation, and tells no patients apart.
        if patients > 1 and len(same) < len(known):
            yield _duplicates(
                same,
                f"the same patient by the DICOM headers, but counted as {patients}: they may end "
                "up in training and test",
                "name the patient of each case in patients.csv (columns case, patient)",
            )
