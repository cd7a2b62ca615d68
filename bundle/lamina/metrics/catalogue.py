"""The names of all metrics, and what each one says, for people and for the tables."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from lamina.errors import ConfigError


@dataclass(frozen=True)
class Metric:
    """What is shown of a metric: its title, its kind of unit and its meaning in a sentence.

    ``quantity`` is "ratio" (no unit), "length", "size" (an area in 2D, a volume in 3D) or "depth"
    (a length along a scan, in µm). ``best`` is the value of a perfect prediction, where there
    is one.
    """

    title: str
    quantity: str
    best: float | None
    meaning: str


METRICS: dict[str, Metric] = {
    "dice": Metric(
        "Dice",
        "ratio",
        1,
        "How far prediction and reference cover each other: twice their common part over the sum of "
        "both. 1 is perfect, 0 means no overlap.",
    ),
    "iou": Metric(
        "IoU",
        "ratio",
        1,
        "Intersection over union (Jaccard): the common part over all that either of both covers. "
        "1 is perfect; always a little lower than Dice.",
    ),
    "accuracy": Metric(
        "Accuracy",
        "ratio",
        1,
        "The fraction of all voxels that are rightly inside or rightly outside. It is close to 1 for "
        "every small structure, so it says little by itself.",
    ),
    "precision": Metric(
        "Precision",
        "ratio",
        1,
        "The fraction of the predicted voxels that are right. Low where too much was marked.",
    ),
    "recall": Metric(
        "Recall",
        "ratio",
        1,
        "The fraction of the true voxels that were found (sensitivity). Low where too little was "
        "marked.",
    ),
    "f1": Metric("F1", "ratio", 1, "The harmonic mean of precision and recall; the same as Dice."),
    "hausdorff_distance_95": Metric(
        "Hausdorff 95",
        "length",
        0,
        "How far the two outlines are apart at their worst places: 95 % of each outline lie closer "
        "to the other than this. 0 is perfect; a missed or false structure counts the image's "
        "diagonal.",
    ),
    "average_surface_distance": Metric(
        "Surface distance",
        "length",
        0,
        "The average distance between the two outlines, both ways. 0 is perfect; a missed or false "
        "structure counts the image's diagonal.",
    ),
    "surface_dice": Metric(
        "Surface Dice",
        "ratio",
        1,
        "The fraction of both outlines that lies within the tolerance of the other. 1 is perfect; a "
        "missed or false structure counts 0.",
    ),
    "volume_truth": Metric(
        "Size, reference", "size", None, "The size of the structure in the reference."
    ),
    "volume_prediction": Metric(
        "Size, prediction", "size", None, "The size of the structure in the prediction."
    ),
    "volume_error": Metric(
        "Size error",
        "size",
        0,
        "Predicted minus true size: above 0 too much was marked, below 0 too little. Errors of "
        "both signs cancel in the mean, so look at the spread as well.",
    ),
    "relative_volume_error": Metric(
        "Relative size error",
        "ratio",
        0,
        "Predicted minus true size over the mean of both: 0.1 is ten per cent too much; −2 is a "
        "missed structure, +2 a false one.",
    ),
    "cross_entropy": Metric(
        "Cross-entropy",
        "ratio",
        0,
        "How well the predicted probabilities fit the reference, structure against the rest. 0 is "
        "perfect; being sure and wrong costs most.",
    ),
    "average_precision": Metric(
        "Average precision",
        "ratio",
        1,
        "Precision averaged over all thresholds of the probability. 1 means that every true voxel "
        "was rated above every other.",
    ),
    "boundary_error": Metric(
        "Boundary error",
        "depth",
        0,
        "How far the layer's upper and lower boundaries are from the true ones along the scan, on "
        "average.",
    ),
    "thickness_error": Metric(
        "Thickness error",
        "depth",
        0,
        "How far the layer's thickness is from the true one along the scan, on average.",
    ),
}


def check_metric_names(names: Iterable[str], known: Collection[str] = METRICS) -> None:
    """Raise ``ConfigError`` for the first name that no metric has, with the nearest known one.

    Examples
    --------
    >>> check_metric_names(["dice", "dise"])
    Traceback (most recent call last):
        ...
    lamina.errors.ConfigError: metrics: nothing computes 'dise'
      → did you mean 'dice'? Known are: dice, iou, accuracy, ...
    """
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.0)
            raise ConfigError(
                f"metrics: nothing computes {name!r}",
                f"did you mean {near[0]!r}? Known are: {', '.join(known)}",
            )


def metric_unit(name: str, spacing_unit: str, spatial_dims: int) -> str:
    """Return the unit of a metric's values, empty for a plain number.

    Examples
    --------
    >>> metric_unit("volume_error", "mm", 3), metric_unit("boundary_error", "mm", 2)
    ('mm³', 'µm')
    >>> metric_unit("volume_error", "px", 2), metric_unit("boundary_error", "px", 2)
    ('px²', 'px')
    """
    units = {
        "ratio": "",
        "length": spacing_unit,
        "size": spacing_unit + ("²" if spatial_dims == 2 else "³"),
        "depth": "µm" if spacing_unit == "mm" else spacing_unit,
    }
    return units[METRICS[name].quantity]


def format_number(value: float | None, metric: str) -> str:
    """Return a value as people read it: three decimals of a ratio, three digits of others.

    Examples
    --------
    >>> format_number(0.5, "dice"), format_number(1234.5, "volume_truth"), format_number(None, "f1")
    ('0.500', '1,230', '–')
    """
    if value is None:
        return "–"
    if METRICS[metric].quantity == "ratio":
        return f"{value:.3f}"
    digits = float(f"{value:.3g}")
    return f"{digits:,.0f}" if abs(digits) >= 100 else f"{digits:g}"


def format_interval(interval: Sequence[float] | None, metric: str) -> str:
    """Return an interval as people read it.

    Examples
    --------
    >>> format_interval([0.25, 0.75], "dice"), format_interval(None, "dice")
    ('0.250 to 0.750', '–')
    """
    return " to ".join(format_number(bound, metric) for bound in interval) if interval else "–"
