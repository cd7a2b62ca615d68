"""Post-processing that raises the Dice of predictions which no training has seen.

After nnU-Net's rule (Isensee et al., 2021, doi:10.1038/s41592-020-01008-z): a step is kept only if
the mean Dice rises by it and no structure's Dice falls.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from numpy.typing import NDArray
from tqdm import tqdm

from lamina.evaluation.saved_label_maps import read_truth
from lamina.files import write_json
from lamina.inference.postprocessing import build_steps, describe_steps
from lamina.metrics.confusion import confusion_matrix
from lamina.metrics.overlap import overlap_scores
from lamina.readers.grid import Grid
from lamina.readers.images import read_label
from lamina.tasks.labels import Label

Step = dict[str, Any]
Pair = tuple[Path, Path]

FRACTIONS = (0.01, 0.03, 0.1, 0.3)
"""Fractions of a structure's median size in the reference; smaller components may be removed."""
NOISE = 1e-9
"""A difference of Dice that is rounding."""


@dataclass(frozen=True)
class Choice:
    """What was chosen, and the figures that speak for it.

    Parameters
    ----------
    steps
        Components of MONAI's config, in their order.
    before, after
        Mean Dice of each structure, NaN for one that no case has.
    cases
        How many there were.
    """

    steps: list[Step]
    before: np.ndarray
    after: np.ndarray
    cases: int


def choose_postprocessing(pairs: Sequence[Pair], labels: Sequence[Label]) -> Choice:
    """Choose among largest components, filled holes and smallest sizes, for all or single structures.

    Parameters
    ----------
    pairs
        Prediction and reference of each case, label files of one grid.
    labels
        The task's, background first.
    """
    values = [label.value for label in labels[1:]]
    smallest = [_small(value, size) for value, size in _sizes(pairs, values)]
    rounds: list[tuple[list[Step], list[Step]]] = [
        ([_largest(values, independent=False)] if len(values) > 1 else [], []),
        ([_largest(values)], [_largest([value]) for value in values]),
        ([_filled(values)], [_filled([value]) for value in values]),
        ([], smallest),
    ]
    steps: list[Step] = []
    before = _mean_dice(pairs, [], [[]], len(labels))[0]
    for of_all, of_one in rounds:
        steps += _chosen(pairs, steps, of_all, of_one, len(labels))
    after = _mean_dice(pairs, [], [steps], len(labels))[0]
    if not _is_better(before, after):
        steps, after = [], before
    return Choice(steps, before, after, len(pairs))


def write_choice(
    choice: Choice, labels: Sequence[Label], given: Sequence[Mapping[str, Any]], path: Path
) -> None:
    """Write the steps, behind those that the task has already, and their figures."""
    content = {
        "_desc_postprocessing": choice_text(choice, labels),
        "postprocessing": [*given, *choice.steps],
    }
    write_json(path, content)


def choice_text(choice: Choice, labels: Sequence[Label]) -> str:
    """Return what was chosen and why, in a line."""
    on = f"chosen on {choice.cases} out-of-fold cases among largest components, filled holes and smallest sizes"
    if not choice.steps:
        return f"{on}: none raises the mean Dice ({np.nanmean(choice.before):.4f}) without lowering a structure's"
    both = zip(labels[1:], choice.before, choice.after, strict=True)
    figures = ", ".join(
        f"{label.name} {a:.4f} → {b:.4f}" for label, a, b in both if not np.isnan(a)
    )
    mean = f"{np.nanmean(choice.before):.4f} → {np.nanmean(choice.after):.4f}"
    return f"{on}: {describe_steps(choice.steps)}; mean Dice {mean} ({figures})"


def _chosen(
    pairs: Sequence[Pair],
    steps: Sequence[Step],
    of_all: Sequence[Step],
    of_one: Sequence[Step],
    classes: int,
) -> list[Step]:
    """Return the step for all structures that helps most, or else of each structure its best."""
    trials = [*of_all, *of_one]
    dice_of_trials = _mean_dice(pairs, steps, [[], *([trial] for trial in trials)], classes)
    good = [
        (float(np.nanmean(dice)), index)
        for index, dice in enumerate(dice_of_trials[1:])
        if _is_better(dice_of_trials[0], dice)
    ]
    best_of_all = max((one for one in good if one[1] < len(of_all)), default=None)
    if best_of_all is not None:
        return [trials[best_of_all[1]]]
    best: dict[int, Step] = {}
    for _, index in sorted(good):
        best[trials[index]["applied_labels"][0]] = trials[index]
    return list(best.values())


def _is_better(before: np.ndarray, after: np.ndarray) -> bool:
    known = ~np.isnan(before)
    gain = after[known] - before[known]
    return bool(gain.sum() > NOISE and (gain >= -NOISE).all())


def _mean_dice(
    pairs: Sequence[Pair], steps: Sequence[Step], trials: Sequence[Sequence[Step]], classes: int
) -> np.ndarray:
    """Return the mean Dice (trials, structures) with each trial done after the steps."""
    begin, ends = build_steps(steps), [build_steps(trial) for trial in trials]
    table = np.full((len(pairs), len(trials), classes - 1), np.nan)
    for row, pair in zip(table, tqdm(pairs, "post-processing", leave=False), strict=True):
        prediction, reference = _read(*read_label(pair[0])), read_truth(pair[1], classes)[0]
        begun = begin({"pred": prediction})["pred"]
        for cell, end in zip(row, ends, strict=True):
            made = end({"pred": begun.clone()})["pred"]
            confusion = confusion_matrix(made[0], reference, classes)
            cell[:] = overlap_scores(confusion)["dice"][1:].numpy()
    known = ~np.isnan(table)
    return np.where(known.any(axis=0), np.nansum(table, axis=0) / known.sum(axis=0).clip(1), np.nan)


def _read(values: NDArray[np.int32], grid: Grid) -> MetaTensor:
    kind = np.uint8 if values.max(initial=0) < 256 else np.int16
    return MetaTensor(
        torch.from_numpy(values.astype(kind)[None]), affine=torch.from_numpy(grid.affine)
    )


def _sizes(pairs: Sequence[Pair], values: Sequence[int]) -> Iterator[tuple[int, float]]:
    """Yield the sizes to be tried of each structure, in mm³ (mm² or pixels of pictures)."""
    true: dict[int, list[float]] = {value: [] for value in values}
    for _, path in pairs:
        values_there, grid = read_label(path)
        for value, count in zip(*np.unique(values_there, return_counts=True), strict=True):
            if value in true:
                true[value].append(count * grid.voxel_size)
    for value, sizes in true.items():
        for fraction in FRACTIONS if sizes else ():
            yield value, float(f"{fraction * np.median(sizes):.2g}")


def _largest(values: Sequence[int], independent: bool = True) -> Step:
    return {
        "_target_": "KeepLargestConnectedComponentd",
        "keys": "pred",
        "applied_labels": list(values),
        "is_onehot": False,
        "independent": independent,
    }


def _filled(values: Sequence[int]) -> Step:
    return {"_target_": "FillHolesd", "keys": "pred", "applied_labels": list(values)}


def _small(value: int, size: float) -> Step:
    return {
        "_target_": "lamina.transforms.RemoveSmallComponentsd",
        "keys": "pred",
        "applied_labels": [value],
        "smallest": size,
    }
