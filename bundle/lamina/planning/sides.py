"""Whether left and right are told apart: such images must not be mirrored in training."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from lamina.planning.survey import CaseSurvey, Survey
from lamina.tasks.sides import named_side

ALIKE = 2.0
"""Two structures that mirror each other differ by no more than this factor in size."""
APART = 0.05
"""And lie at least this share of the image's width apart, always in the same order."""
LEVEL = 0.6
"""While their other axes differ by less than this share of that."""
FEWEST = 4


def sided(survey: Survey, names: Mapping[int, str]) -> str | None:
    """Return why mirroring along x would exchange two structures, None if it would not.

    Parameters
    ----------
    survey
        What the cases hold.
    names
        Of the structures, by the value that label files hold.
    """
    by_name = named_side(names.values())
    if by_name:
        return f"{by_name!r} names a side"
    for a, b in itertools.combinations(survey.values, 2):
        if _mirror_each_other(survey.cases, a, b):
            return f"{names[a]!r} and {names[b]!r} lie beside each other like left and right"
    return None


def _mirror_each_other(cases: Sequence[CaseSurvey], a: int, b: int) -> bool:
    both = [(c.structures[a], c.structures[b]) for c in cases if {a, b} <= set(c.structures)]
    if len(both) < FEWEST:
        return False
    sizes = np.array([[one.voxels for one in pair] for pair in both], dtype=float)
    alike = np.median(sizes.max(axis=1) / sizes.min(axis=1)) < ALIKE
    apart = np.array([np.subtract(x.centre, y.centre) for x, y in both])
    same_order = (np.sign(apart[:, 0]) == np.sign(apart[0, 0])).mean() > 0.95
    across = np.median(np.abs(apart[:, 0]))
    along = np.median(np.abs(apart[:, 1:]), axis=0).max()
    return bool(alike and same_order and across > APART and along < LEVEL * across)
