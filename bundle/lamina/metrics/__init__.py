"""Overlap, distances, sizes, layers: how far a prediction is from the reference.

Each metric is a pure function; ``measure_case`` computes all that are requested over the structures of
one case, ``describe`` sums up many cases, and ``OverlapMetric`` serves validation in training.
"""

from lamina.metrics.catalogue import METRICS, Metric, check_metric_names, metric_unit
from lamina.metrics.confusion import confusion_matrix
from lamina.metrics.distances import distance_scores
from lamina.metrics.layers import layer_scores
from lamina.metrics.measure import MeasureSettings, StructureScores, measure_case
from lamina.metrics.overlap import (
    OVERLAP_METRICS,
    STATUSES,
    class_status,
    overlap_scores,
    volume_scores,
)
from lamina.metrics.overlap_metric import OverlapMetric
from lamina.metrics.probability import PROBABILITY_METRICS, probability_scores
from lamina.metrics.statistics import Bootstrap, describe

__all__ = [
    "METRICS",
    "OVERLAP_METRICS",
    "PROBABILITY_METRICS",
    "STATUSES",
    "Bootstrap",
    "MeasureSettings",
    "Metric",
    "OverlapMetric",
    "StructureScores",
    "check_metric_names",
    "class_status",
    "confusion_matrix",
    "describe",
    "distance_scores",
    "layer_scores",
    "measure_case",
    "metric_unit",
    "overlap_scores",
    "probability_scores",
    "volume_scores",
]
