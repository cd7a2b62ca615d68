"""Overlap and volume of two label maps, class by class."""

import torch

OVERLAP_METRICS = ("dice", "iou", "accuracy", "precision", "recall", "f1")
STATUSES = ("present", "missed", "false", "absent")


def overlap_scores(confusion: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return every overlap metric of every class.

    Dice and F1 are 2·TP / (2·TP + FP + FN), IoU (Jaccard) is TP / (TP + FP + FN), precision
    TP / (TP + FP), recall TP / (TP + FN), accuracy (TP + TN) / all (Taha and Hanbury, 2015,
    doi:10.1186/s12880-015-0068-x). Accuracy counts the voxels outside, too: of a small structure
    that was missed it is nearly 1.

    Parameters
    ----------
    confusion
        (num_classes, num_classes) as ``confusion_matrix`` gives it.

    Returns
    -------
    dict
        For each name of ``OVERLAP_METRICS`` a float64 tensor (num_classes,). A structure that was
        missed, or is only in the prediction, has Dice and IoU 0; one that is in neither has NaN.

    Examples
    --------
    >>> overlap_scores(torch.tensor([[2, 1, 0], [0, 1, 0], [0, 0, 0]]))["dice"].round(decimals=3)
    tensor([0.8000, 0.6670,    nan], dtype=torch.float64)
    """
    correct = confusion.diagonal().double()
    in_reference, in_prediction = confusion.sum(1).double(), confusion.sum(0).double()
    either = in_reference + in_prediction - correct
    everywhere = confusion.sum().double()
    dice = _ratio(2 * correct, in_reference + in_prediction)
    scores = {
        "dice": dice,
        "iou": _ratio(correct, either),
        "accuracy": (everywhere - either + correct) / everywhere,
        "precision": _ratio(correct, in_prediction),
        "recall": _ratio(correct, in_reference),
        "f1": dice,
    }
    return {name: score.masked_fill(either == 0, torch.nan) for name, score in scores.items()}


def class_status(confusion: torch.Tensor) -> list[str]:
    """Return for each class one of ``STATUSES``.

    Examples
    --------
    >>> class_status(torch.tensor([[2, 1, 0, 0], [0, 1, 0, 0], [3, 0, 0, 0], [0, 0, 0, 0]]))
    ['present', 'present', 'missed', 'absent']
    """
    names = {
        (True, True): "present",
        (True, False): "missed",
        (False, True): "false",
        (False, False): "absent",
    }
    in_reference, in_prediction = confusion.sum(1).tolist(), confusion.sum(0).tolist()
    return [names[bool(t), bool(p)] for t, p in zip(in_reference, in_prediction, strict=True)]


def _ratio(part: torch.Tensor, whole: torch.Tensor) -> torch.Tensor:
    return part / whole.clamp(min=1)


VOLUME_METRICS = ("volume_truth", "volume_prediction", "volume_error", "relative_volume_error")


def volume_scores(in_prediction: int, in_reference: int, voxel_size: float) -> dict[str, float]:
    """Return the metrics of ``VOLUME_METRICS`` from the numbers of voxels of one structure.

    The relative error is (P - T) / ((P + T) / 2), the volume similarity of ITK's
    ``LabelOverlapMeasuresImageFilter``: it is defined for a missed (-2) and a false (+2)
    structure too, so that none must be left out.

    Parameters
    ----------
    in_prediction, in_reference
        The numbers of voxels.
    voxel_size
        In mm³ or, for pictures, mm²; sizes are in the same unit.

    Returns
    -------
    dict
        NaN throughout where the structure is in neither.

    Examples
    --------
    >>> volume_scores(30, 20, voxel_size=0.1)["volume_error"]
    1.0
    """
    if in_prediction == in_reference == 0:
        return dict.fromkeys(VOLUME_METRICS, float("nan"))
    difference = in_prediction - in_reference
    return {
        "volume_truth": in_reference * voxel_size,
        "volume_prediction": in_prediction * voxel_size,
        "volume_error": difference * voxel_size,
        "relative_volume_error": 2 * difference / (in_prediction + in_reference),
    }
