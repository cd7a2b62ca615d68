"""What must hold between images, labels and task before a training starts."""

import logging
from collections.abc import Mapping, Sequence

from lamina.cases.case import Case, DataSet
from lamina.cases.facts import READ_WHOLE_BELOW, CaseFacts, read_facts
from lamina.errors import DataError
from lamina.tasks import Label

_MOST_LINES = 20

logger = logging.getLogger(__name__)


def require_usable(
    dataset: DataSet,
    labels: Sequence[Label],
    values: Mapping[str, int] | None = None,
    *,
    read_whole_below: int = READ_WHOLE_BELOW,
) -> None:
    """Check a data set before it trains or is evaluated.

    What has no partner is only a warning in the log, since the rest can be used.

    Raises
    ------
    DataError
        If no case has a label, or a labelled case can't be used: all in one list.
    """
    wrong = check_cases(dataset.labelled, labels, values, read_whole_below=read_whole_below)
    if not dataset.labelled:
        wrong = ["no image has a label\n  → put labels where `lamina data` finds them"]
    if wrong:
        listed = bounded([*wrong, *dataset.problems])
        count = len(wrong) + len(dataset.problems)
        raise DataError("\n".join([f"{dataset.root}: problems: {count}", *listed]))
    for problem in bounded(dataset.problems):
        logger.warning("%s", problem)


def check_cases(
    cases: Sequence[Case],
    labels: Sequence[Label],
    values: Mapping[str, int] | None = None,
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
    return problems_in(facts, labels)


def problems_in(facts: Sequence[CaseFacts], labels: Sequence[Label]) -> list[str]:
    """Return what is wrong with files, and with the labels for these classes."""
    known = {label.value for label in labels}
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
    with_label = [one for one in facts if one.values]
    if with_label and not any(set(one.values) - {0} for one in with_label):
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
