"""Which class was taken for which: the counts that every overlap metric is computed from."""

from typing import Any

import torch
from monai.utils import convert_to_tensor

from lamina.errors import DataError, GeometryError
from lamina.tasks.labels import IGNORED

# Label maps are counted in pieces, so that a large volume needs little memory beside itself.
_VOXELS_AT_ONCE = 2**22


def read_label_map(
    values: Any, num_classes: int, what: str = "label map", lowest: int = 0
) -> torch.Tensor:
    """Return a label map as whole numbers, after a check of its values.

    Parameters
    ----------
    values
        Class indices, a numpy array or a torch tensor of any shape.
    num_classes
        The number of classes, the background included.
    what
        What the error message calls the map.
    lowest
        `IGNORED` for a reference, which may leave voxels out.

    Raises
    ------
    DataError
        If it is empty, or a value is no whole number from ``lowest`` to ``num_classes - 1``.

    Examples
    --------
    >>> read_label_map(torch.tensor([[0.0, 2.0]]), num_classes=3)
    tensor([[0, 2]], dtype=torch.int16)
    """
    labels = convert_to_tensor(values, track_meta=False)
    if labels.numel() == 0:
        raise DataError(f"{what}: shape {tuple(labels.shape)} has no voxel")
    if labels.is_floating_point() and not (labels - labels.round() == 0).all():
        raise DataError(
            f"{what}: values between whole numbers, or not finite",
            "give class indices, not probabilities",
        )
    low, high = int(labels.min()), int(labels.max())
    if low < lowest or high >= num_classes:
        raise DataError(
            f"{what}: values from {low} to {high}, expected 0 to {num_classes - 1}",
            "let task#labels name every value that stands in the label maps",
        )
    return labels.to(torch.int16)


def check_same_shape(prediction: Any, reference: Any) -> None:
    """Raise ``GeometryError`` if two maps are not of one shape."""
    if tuple(prediction.shape) != tuple(reference.shape):
        raise GeometryError(
            f"prediction has shape {tuple(prediction.shape)}, reference {tuple(reference.shape)}",
            "bring the prediction back to the grid of the image before it is measured",
        )


def confusion_matrix(prediction: Any, reference: Any, num_classes: int) -> torch.Tensor:
    """Return how many voxels of each class of the reference (rows) were given each class (columns).

    Voxels whose reference is `IGNORED` are left out.

    Both are label maps of one shape, (x, y) or (x, y, z), numpy or torch; rows and columns are as
    in ``sklearn.metrics.confusion_matrix``.

    Raises
    ------
    DataError
        If a map is empty or holds a value that is no class.
    GeometryError
        If the shapes differ.

    Examples
    --------
    >>> confusion_matrix(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1]), num_classes=2)
    tensor([[1, 1],
            [0, 1]])
    """
    predicted = read_label_map(prediction, num_classes, "prediction")
    true = read_label_map(reference, num_classes, "reference", IGNORED).to(predicted.device)
    check_same_shape(predicted, true)
    counts = torch.zeros(num_classes**2, dtype=torch.int64, device=predicted.device)
    pieces = (labels.flatten().split(_VOXELS_AT_ONCE) for labels in (true, predicted))
    for rows, columns in zip(*pieces, strict=True):
        annotated = rows != IGNORED
        pairs = rows[annotated].long() * num_classes + columns[annotated]
        counts += torch.bincount(pairs, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)
