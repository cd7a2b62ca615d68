"""The same image or the same patient twice: what could stand in training and in test."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from lamina.planning.survey import CaseSurvey, Defect

POOL = {2: torch.nn.AdaptiveAvgPool2d(48), 3: torch.nn.AdaptiveAvgPool3d(20)}
ALIKE = 0.9995
"""Correlation of thumbnails from which images of one size count as copies."""


def thumbnail(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return block means of an image, less their mean, of length 1: their product is a correlation.

    >>> same = thumbnail(np.arange(4000.0, dtype=np.float32).reshape(50, 80))
    >>> round(float(same @ same), 4)
    1.0
    """
    pool = POOL[image.ndim]
    small = pool(torch.from_numpy(np.ascontiguousarray(image))[None]).numpy().ravel()
    centred = small - small.mean()
    return np.asarray(centred / max(float(np.linalg.norm(centred)), 1e-12), dtype=np.float32)


def find_duplicates(cases: Sequence[CaseSurvey]) -> Iterator[Defect]:
    """Yield images that are the same, that are nearly so, and patients that have two names."""
    for same in _groups(cases, lambda one: one.content):
        names = tuple(one.case.name for one in same)
        yield Defect(
            f"{', '.join(names)}: the same image{_across(same)}", "keep one of them", names
        )
    for one, other in _copies(cases):
        names = (one.case.name, other.case.name)
        yield Defect(
            f"{', '.join(names)}: nearly the same image, as if saved again or scaled"
            f"{_across((one, other))}",
            "keep one of them",
            names,
        )
    yield from _patients(cases)


def _across(cases: Sequence[CaseSurvey]) -> str:
    several = len({one.case.patient for one in cases}) > 1
    return ", of different patients: it may stand in training and test" if several else ""


def _groups(
    cases: Sequence[CaseSurvey], key: Callable[[CaseSurvey], Hashable]
) -> list[list[CaseSurvey]]:
    found: dict[Hashable, list[CaseSurvey]] = defaultdict(list)
    for one in cases:
        found[key(one)].append(one)
    return [group for group in found.values() if len(group) > 1]


def _copies(cases: Sequence[CaseSurvey]) -> Iterator[tuple[CaseSurvey, CaseSurvey]]:
    for group in _groups(cases, lambda one: (one.shape, one.thumbnail.size)):
        rows = np.stack([one.thumbnail for one in group])
        for a, b in np.argwhere(np.triu(rows @ rows.T, 1) > ALIKE):
            if group[a].content != group[b].content:
                yield group[a], group[b]


def _patients(cases: Sequence[CaseSurvey]) -> Iterator[Defect]:
    known = [one for one in cases if one.patient]
    groups = _groups(known, lambda one: one.patient)
    for same in groups:
        patients = {one.case.patient for one in same}
        # One identifier for all is that of an anonymisation, and tells no patients apart.
        if len(patients) > 1 and len(same) < len(known):
            names = tuple(one.case.name for one in same)
            yield Defect(
                f"{', '.join(names)}: the same patient by the DICOM headers, but counted as "
                f"{len(patients)}: they may stand in training and test",
                "name the patient of each case in patients.csv (columns case, patient)",
                names,
            )
