"""An overlap metric that MONAI's engines accumulate over cases during validation."""

from typing import Any

import torch
from monai.metrics import CumulativeIterationMetric

from lamina.errors import DataError
from lamina.metrics.catalogue import check_metric_names
from lamina.metrics.confusion import confusion_matrix
from lamina.metrics.overlap import OVERLAP_METRICS, overlap_scores


class OverlapMetric(CumulativeIterationMetric):
    """One overlap metric, for ``monai.handlers.IgniteMetricHandler``.

    Called with batches of label maps (B, 1, x, y[, z]), or with lists of (1, x, y[, z]) whose
    sizes may differ. ``aggregate`` gives the mean over the foreground classes of the means over
    the cases; a missed or a false structure counts 0 (see ``lamina.metrics.overlap``).
    ``get_buffer`` gives (cases, num_classes - 1), NaN where a class is absent.

    Parameters
    ----------
    name
        One of ``OVERLAP_METRICS``.
    num_classes
        The number of classes, the background (0) included.

    Raises
    ------
    ConfigError
        If no overlap metric has that name.

    Examples
    --------
    >>> metric = OverlapMetric("dice", num_classes=3)
    >>> reference = torch.tensor([[[[0, 1], [1, 2]]]])
    >>> metric(y_pred=torch.tensor([[[[0, 1], [0, 0]]]]), y=reference).round(decimals=3)
    tensor([[0.6670, 0.0000]], dtype=torch.float64)
    >>> round(metric.aggregate().item(), 3)
    0.333
    """

    def __init__(self, name: str, num_classes: int) -> None:
        super().__init__()
        check_metric_names([name], OVERLAP_METRICS)
        self.name = name
        self.num_classes = num_classes

    def _compute_tensor(
        self, y_pred: torch.Tensor, y: torch.Tensor | None = None, **_: Any
    ) -> torch.Tensor:
        if y is None:
            raise DataError(f"metric {self.name!r}: no reference was given, only a prediction")
        cases = zip(y_pred, y, strict=True)
        return torch.stack([self._score(prediction, reference) for prediction, reference in cases])

    def _score(self, prediction: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
        confusion = confusion_matrix(prediction, reference, self.num_classes)
        return overlap_scores(confusion)[self.name][1:]

    def aggregate(self) -> torch.Tensor:
        """Return the mean over the foreground classes of ``aggregate_classes``, a scalar."""
        return self.aggregate_classes().nanmean()

    def aggregate_classes(self) -> torch.Tensor:
        """Return the mean over the cases for each foreground class, (num_classes - 1,).

        NaN where a class was in no case's reference or prediction.

        Raises
        ------
        DataError
            If no case was measured.
        """
        scores = self.get_buffer()
        if scores is None:
            raise DataError(
                f"metric {self.name!r}: no case was measured", "check that the split has cases"
            )
        return scores.nanmean(dim=0)
