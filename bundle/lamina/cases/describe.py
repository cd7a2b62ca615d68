"""What a data set's folder holds, as text for people."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lamina.cases.case import Case, DataSet
from lamina.cases.checks import CaseFacts, bounded, format_values, problems_in, read_facts
from lamina.cases.dataset_json import never_found, read_declared, value_problems
from lamina.cases.selection import recorded_splits
from lamina.cases.splits import Splits, default_fractions, split_cases
from lamina.errors import LaminaError
from lamina.readers.formats import suffix_of
from lamina.readers.grid import Grid
from lamina.readers.source import Source
from lamina.tasks.labels import IGNORED, Label, is_ignoring


def describe(
    dataset: DataSet,
    labels: Sequence[Label] | None = None,
    values: Mapping[str, int] | None = None,
    run_dir: str | Path | None = None,
    **division: Any,
) -> str:
    """Return what was found, how it was paired and split, and what is wrong.

    Parameters
    ----------
    dataset
        What `find_cases` found.
    labels
        The classes of a task; without them any value is right.
    values
        What label files hold and the class that it stands for, as `read_label` takes it.
    run_dir
        Folder of the task's run, whose test cases stay test cases.
    division
        As `lamina.cases.split_cases` takes it.
    """
    facts = read_facts(dataset.cases, values)
    grids = [one.grid for one in facts if one.grid]
    split, gaps, split_problems = _split(dataset.labelled, facts, run_dir, division)
    problems = [*dataset.problems, *_problems(facts, labels, values), *split_problems]
    if labels is None:
        held = {value for one in facts for value in one.values}
        declared = read_declared(dataset.root)
        problems += [*value_problems(declared, held), *never_found(declared, held)]
    rows = [
        ("folder", str(dataset.root)),
        ("layout", dataset.layout),
        ("images", f"{len(dataset.cases)} ({_formats(case.image for case in dataset.cases)})"),
        ("size", _sizes(grids)),
        ("spacing", _spacings(grids)),
        ("labels", _labels(facts, is_ignoring(values))),
        ("patients", str(len({case.patient for case in dataset.cases}))),
        ("split", split),
        ("problems", str(len(problems) or "none")),
    ]
    lines = [f"{name:<10}{text}" for name, text in rows]
    prefix = f"{dataset.root}/"
    lines += [f"{'note':<10}{text}" for text in [*_never(facts, labels), *gaps]]
    return "\n".join([*lines, *(f"- {line.replace(prefix, '')}" for line in bounded(problems))])


def _problems(
    facts: Sequence[CaseFacts],
    labels: Sequence[Label] | None,
    values: Mapping[str, int | str] | None,
) -> list[str]:
    if labels is not None:
        return problems_in(facts, labels, values)
    return [problem for one in facts for problem in one.problems]


def _never(facts: Sequence[CaseFacts], labels: Sequence[Label] | None) -> list[str]:
    """Say which classes of the task no label has: perhaps these are labels of another task."""
    seen = {value for one in facts for value in one.values}
    absent = [label.name for label in labels or [] if label.value and label.value not in seen]
    if not absent or not seen:
        return []
    return [f"in no label: {', '.join(absent)} (of {len(labels or []) - 1} classes of the task)"]


def _formats(addresses: Iterable[str]) -> str:
    count = Counter(suffix_of(Source.of(address).path) or "DICOM" for address in addresses)
    return ", ".join(f"{number} {name}" for name, number in count.most_common())


def _sizes(grids: Sequence[Grid]) -> str:
    texts = []
    for axes in (2, 3):
        shapes = [grid.shape for grid in grids if len(grid.shape) == axes]
        if shapes:
            texts.append(f"{len(shapes)} in {axes}D: {_ranges(shapes)}")
    return "; ".join(texts) or "unknown"


def _spacings(grids: Sequence[Grid]) -> str:
    texts = []
    for unit, axes in sorted({(grid.unit, len(grid.shape)) for grid in grids}):
        spacings = [g.spacing for g in grids if (g.unit, len(g.shape)) == (unit, axes)]
        known = unit == "mm"
        texts.append(f"{_ranges(spacings)} mm" if known else "unknown (pictures, in pixels)")
    return "; ".join(texts) or "unknown"


def _ranges(rows: Sequence[Sequence[float]]) -> str:
    """Return the range of each column, such as 31–43 × 40–59."""
    low, high = np.min(rows, axis=0), np.max(rows, axis=0)
    texts = [(f"{a:.4g}", f"{b:.4g}") for a, b in zip(low, high, strict=True)]
    return " × ".join(a if a == b else f"{a}–{b}" for a, b in texts)


def _labels(facts: Sequence[CaseFacts], ignoring: bool) -> str:
    labelled = [one for one in facts if one.case.label is not None]
    values = sorted({value for one in facts for value in one.values})
    if not labelled:
        return "none"
    unlabelled = len(facts) - len(labelled)
    without = f"; images without one: {unlabelled}" if unlabelled else ""
    if ignoring and IGNORED in values:
        values.remove(IGNORED)
        without = f", partly ignored{without}"
    return f"{len(labelled)}, with values {format_values(values)}{without}"


def _split(
    labelled: Sequence[Case],
    facts: Sequence[CaseFacts],
    run_dir: str | Path | None,
    division: Mapping[str, Any],
) -> tuple[str, list[str], list[str]]:
    """Return the sizes of the splits, what they lack, and why they can't be made."""
    if not labelled:
        return "none, since nothing is labelled", [], []
    values = {one.case.name: one.values for one in facts}
    recorded = recorded_splits(run_dir)
    kept = {case.name for case in recorded["test"]} if recorded else set()
    how = {"fractions": default_fractions(len(labelled)), **division}
    try:
        splits = split_cases(labelled, values=values, kept=kept, **how)
    except LaminaError as error:
        return "none", [], [str(error)]
    by_folder = {case.split for case in labelled} & {"validation", "test"}
    rule = "as the folders say" if by_folder else f"by hash, seed {division.get('seed', 0)}"
    if kept & {case.name for case in splits["test"]}:
        rule += f", test cases as in {run_dir}"
    sizes = ", ".join(f"{len(part)} {name}" for name, part in splits.items())
    return f"{sizes} ({rule})", _gaps(splits, values), []


def _gaps(splits: Splits, values: Mapping[str, Sequence[int]]) -> list[str]:
    """Say which values of labels a part lacks that others have."""
    held = {
        name: {value for case in part for value in values[case.name]} - {0, IGNORED}
        for name, part in splits.items()
        if part
    }
    every = set().union(*held.values())
    return [
        f"in no {name} case: {'values' if len(every - has) > 1 else 'value'} "
        f"{format_values(sorted(every - has))}"
        for name, has in held.items()
        if every - has
    ]
