"""How patients are divided: exact shares, every structure in every part, nobody in two."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import combinations, product


@dataclass(frozen=True)
class Patient:
    """What a division knows of a patient: how many cases, and what their labels hold."""

    name: str
    cases: int
    values: frozenset[int] = frozenset()


Part = list[Patient]
Score = Callable[[Sequence[int]], int]
"""How good it is that a structure occurs in so many patients of each part."""


def draw(
    patients: Sequence[Patient], count: int, *, leave: int = 0, at_least: bool = False
) -> Part:
    """Return the first patients whose cases add up to a count, or come nearest to it.

    Parameters
    ----------
    patients
        In the order in which they are taken.
    count
        The number of cases.
    leave
        So many patients, the last ones, are not taken.
    at_least
        Take no fewer cases than ``count``, if there are so many.

    Examples
    --------
    >>> patients = [Patient("a", 1), Patient("b", 3), Patient("c", 2)]
    >>> [patient.name for patient in draw(patients, 3)]
    ['a', 'c']
    """
    candidates = patients[: max(len(patients) - leave, 0)]
    # Bit n of sums[k] says that cases of patients from the k-th on can add up to n.
    sums, mask = [1], (2 << count + max((patient.cases for patient in candidates), default=0)) - 1
    for patient in reversed(candidates):
        sums.append((sums[-1] | sums[-1] << patient.cases) & mask)
    sums.reverse()
    possible = [n for n in range(sums[0].bit_length()) if sums[0] >> n & 1]
    enough = [n for n in possible if n >= count] if at_least else []
    wanted = min(enough) if enough else min(possible, key=lambda n: (abs(n - count), n))
    chosen: Part = []
    for patient, rest in zip(candidates, sums[1:], strict=True):
        if wanted >= patient.cases and rest >> (wanted - patient.cases) & 1:
            chosen.append(patient)
            wanted -= patient.cases
    return chosen


def equal_parts(patients: Sequence[Patient], count: int) -> list[Part]:
    """Return so many parts with as equal numbers of cases as whole patients allow.

    >>> [len(part) for part in equal_parts([Patient(str(n), 1) for n in range(44)], 5)]
    [9, 9, 9, 9, 8]
    """
    parts: list[Part] = [[] for _ in range(count)]
    for patient in sorted(patients, key=lambda one: -one.cases):
        min(parts, key=lambda part: (cases_of(part), len(part))).append(patient)
    return parts


def cases_of(part: Sequence[Patient]) -> int:
    """Return the number of cases of patients."""
    return sum(patient.cases for patient in part)


def set_apart(later: int) -> Score:
    """Return the score of a first part beside a rest, which ``later`` parts are to come from.

    A structure is wanted in each of the later parts first, and then in the first one.

    >>> score = set_apart(later=2)
    >>> score([1, 1]), score([0, 2]), score([1, 2]), score([0, 3])
    (1, 2, 3, 2)
    """
    return lambda counts: min(counts[0], int(sum(counts) > later)) + min(counts[1], later)


def in_most(counts: Sequence[int]) -> int:
    """Return the score of parts of one kind: in how many a structure occurs.

    >>> in_most([3, 0, 1])
    2
    """
    return sum(count > 0 for count in counts)


def spread(parts: Sequence[Part], score: Score, fixed: Collection[str] = ()) -> None:
    """Swap patients with as many cases between parts, until no swap serves the structures.

    Those whose names are ``fixed`` stay where they are.
    """
    while swap := _best_swap(parts, score, fixed):
        (one, first), (other, second) = swap
        one[one.index(first)], other[other.index(second)] = second, first


def _best_swap(
    parts: Sequence[Part], score: Score, fixed: Collection[str]
) -> tuple[tuple[Part, Patient], tuple[Part, Patient]] | None:
    counts = [Counter(value for patient in part for value in patient.values) for part in parts]
    kinds = [_kinds([one for one in part if one.name not in fixed]) for part in parts]
    best, found = 0, None
    for a, b in combinations(range(len(parts)), 2):
        for first, second in product(kinds[a], kinds[b]):
            if first.cases == second.cases and first.values != second.values:
                gain = _gain(counts, (a, b), first, second, score)
                if gain > best:
                    best, found = gain, ((parts[a], first), (parts[b], second))
    return found


def _kinds(part: Part) -> list[Patient]:
    """Return one patient of each kind: of those with as many cases and structures, the last."""
    return list({(patient.cases, patient.values): patient for patient in part}.values())


def _gain(
    counts: Sequence[Counter[int]],
    places: tuple[int, int],
    first: Patient,
    second: Patient,
    score: Score,
) -> int:
    gain = 0
    for value in first.values ^ second.values:
        now = [count[value] for count in counts]
        then = list(now)
        moved = 1 if value in first.values else -1
        then[places[0]] -= moved
        then[places[1]] += moved
        gain += score(then) - score(now)
    return gain
