"""All metrics of one case: a prediction set against its reference, structure by structure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from monai.utils import convert_to_numpy

from lamina.errors import ConfigError, GeometryError
from lamina.metrics.catalogue import check_metric_names
from lamina.metrics.confusion import confusion_matrix, read_label_map
from lamina.metrics.distances import DISTANCE_METRICS, distance_scores
from lamina.metrics.layers import LAYER_METRICS, layer_scores
from lamina.metrics.overlap import (
    OVERLAP_METRICS,
    VOLUME_METRICS,
    class_status,
    overlap_scores,
    volume_scores,
)
from lamina.metrics.probability import PROBABILITY_METRICS, probability_scores
from lamina.readers.grid import Grid, Unit, format_size, pixel_grid
from lamina.tasks.labels import IGNORED, Label


@dataclass(frozen=True)
class MeasureSettings:
    """What is measured in every case of an evaluation.

    Parameters
    ----------
    metrics
        Names from ``lamina.metrics.METRICS``.
    tolerance
        Up to which distance two surfaces agree, for ``surface_dice``.
    tolerance_unit
        "px" for a tolerance in voxels, whatever their size. One in "mm" is in voxels too where
        the image does not say how large they are.
    depth_axis
        The array's axis along which layers lie on each other; None where there are no layers.
    presence
        Voxels from which a slice counts as holding a structure, for a table of each prediction's
        slices; None where no such table is wanted.

    Raises
    ------
    ConfigError
        If there is no name or an unknown one, or a layer metric is requested without a depth axis.

    Examples
    --------
    >>> MeasureSettings(metrics=("boundary_error",))
    Traceback (most recent call last):
        ...
    lamina.errors.ConfigError: metrics: 'boundary_error' needs a depth axis, which is not given
      → set depth_axis (1 where the depth is the image's second axis), or leave the metric out
    """

    metrics: Sequence[str] = OVERLAP_METRICS
    tolerance: float = 1.0
    tolerance_unit: Unit = "mm"
    depth_axis: int | None = None
    presence: int | None = None

    def __post_init__(self) -> None:
        check_metric_names(self.metrics)
        if self.tolerance_unit not in get_args(Unit):
            raise ConfigError(
                f"tolerance_unit: {self.tolerance_unit!r} is not known", "take 'mm' or 'px'"
            )
        if not self.metrics:
            raise ConfigError("metrics: the list is empty", 'name at least one, such as "dice"')
        of_layers = [name for name in self.metrics if name in LAYER_METRICS]
        if of_layers and self.depth_axis is None:
            raise ConfigError(
                f"metrics: {of_layers[0]!r} needs a depth axis, which is not given",
                "set depth_axis (1 where the depth is the image's second axis), "
                "or leave the metric out",
            )

    def wants(self, metrics: Sequence[str]) -> bool:
        """Say whether any of these metrics is requested."""
        return bool(set(self.metrics) & set(metrics))


@dataclass(frozen=True)
class StructureScores:
    """What was measured of one structure of a case.

    Parameters
    ----------
    status
        One of `lamina.metrics.overlap.STATUSES`.
    metrics
        The value of each metric, NaN where the structure is in neither label map.
    """

    status: str
    metrics: dict[str, float]


def measure_case(
    prediction: Any,
    reference: Any,
    *,
    labels: Sequence[Label],
    grid: Grid,
    probabilities: Any = None,
    settings: MeasureSettings | None = None,
) -> dict[str, StructureScores]:
    """Measure one case.

    Parameters
    ----------
    prediction, reference
        Label maps of one shape, (x, y) or (x, y, z), numpy or torch. What is `IGNORED` in the
        reference is left out; for distances and sizes no structure lies there.
    labels
        The task's labels, background first.
    grid
        Where their voxels lie. Distances and sizes are in its unit, layer errors in µm for "mm".
    probabilities
        (classes, x, y[, z]), for the metrics that need them.
    settings
        What is measured; the overlap metrics by default.

    Returns
    -------
    dict
        For each foreground class by name.

    Raises
    ------
    ConfigError
        If a metric needs probabilities and there are none.
    DataError
        If a map holds a value that is no class.
    GeometryError
        If the shapes of the label maps and the grid differ.

    Examples
    --------
    >>> labels = [Label(0, "background", (0, 0, 0)), Label(1, "lung", (0, 120, 255))]
    >>> reference, prediction = np.zeros((2, 8, 5), dtype=int)
    >>> reference[2:6, 1:3], prediction[2:6, 1:4] = 1, 1
    >>> settings = MeasureSettings(metrics=("dice", "volume_error"))
    >>> grid = Grid((8, 5), np.diag([0.5, 0.5, 1.0, 1.0]))
    >>> measure_case(prediction, reference, labels=labels, grid=grid, settings=settings)
    {'lung': StructureScores(status='present', metrics={'dice': 0.8, 'volume_error': 1.0})}
    """
    settings = settings or MeasureSettings()
    predicted = read_label_map(prediction, len(labels), "prediction").cpu().numpy()
    true = read_label_map(reference, len(labels), "reference", IGNORED).cpu().numpy()
    _check_case(true, grid, probabilities, settings)
    confusion = confusion_matrix(predicted, true, len(labels))
    overlaps = overlap_scores(confusion)
    annotated = true != IGNORED
    measured: dict[str, StructureScores] = {}
    for label, status in zip(labels[1:], class_status(confusion)[1:], strict=True):
        scores = dict.fromkeys(settings.metrics, float("nan"))
        if status != "absent":
            masks = (predicted == label.value) & annotated, true == label.value
            probability = (
                None if probabilities is None else convert_to_numpy(probabilities[label.value])
            )
            scores |= {name: values[label.value].item() for name, values in overlaps.items()}
            scores |= _scores_beyond_overlap(masks, grid, settings)
            if probability is not None and settings.wants(PROBABILITY_METRICS):
                scores |= probability_scores(probability[annotated], masks[1][annotated])
        measured[label.name] = StructureScores(
            status, {name: scores[name] for name in settings.metrics}
        )
    return measured


def _check_case(
    reference: np.ndarray, grid: Grid, probabilities: Any, settings: MeasureSettings
) -> None:
    if grid.shape != reference.shape:
        raise GeometryError(
            f"label maps of shape {reference.shape}, but a grid of {format_size(grid.shape)} voxels",
            "give (x, y[, z]) without a channel axis, on the image's own grid",
        )
    if settings.depth_axis is not None and not 0 <= settings.depth_axis < reference.ndim:
        raise GeometryError(
            f"depth_axis is {settings.depth_axis}, but the label maps have shape {reference.shape}",
            f"give an axis from 0 to {reference.ndim - 1}",
        )
    if probabilities is None and settings.wants(PROBABILITY_METRICS):
        raise ConfigError(
            f"metrics: {' and '.join(PROBABILITY_METRICS)} need class probabilities, none given",
            "keep the network's probabilities beside the prediction, or leave these metrics out",
        )


def _scores_beyond_overlap(
    masks: tuple[np.ndarray, np.ndarray],
    grid: Grid,
    settings: MeasureSettings,
) -> dict[str, float]:
    """Compute the families of metrics that are asked for; each gives all of its metrics."""
    scores: dict[str, float] = {}
    if settings.wants(DISTANCE_METRICS):
        scores |= distance_scores(*masks, grid, settings.tolerance)
        if settings.tolerance_unit == "px" and grid.unit == "mm":
            in_voxels = distance_scores(*masks, pixel_grid(grid.shape), settings.tolerance)
            scores["surface_dice"] = in_voxels["surface_dice"]
    if settings.wants(VOLUME_METRICS):
        scores |= volume_scores(int(masks[0].sum()), int(masks[1].sum()), grid.voxel_size)
    if settings.depth_axis is not None and settings.wants(LAYER_METRICS):
        axis = settings.depth_axis
        step = grid.spacing[axis] * (1000.0 if grid.unit == "mm" else 1.0)
        scores |= layer_scores(*masks, axis, step)
    return scores
