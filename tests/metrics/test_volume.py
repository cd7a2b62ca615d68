import math

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lamina.metrics.volume import VOLUME_METRICS, volume_scores

MAPS = hnp.arrays(np.uint8, (3, 4, 5), elements=st.integers(0, 1))


@given(MAPS, MAPS)
def test_relative_error_equals_itk(prediction, truth):
    if not (prediction.any() and truth.any()):
        return
    measures = sitk.LabelOverlapMeasuresImageFilter()
    # ITK's source is our prediction: its volume similarity is 2 (source - target) / (sum of both).
    measures.Execute(sitk.GetImageFromArray(prediction), sitk.GetImageFromArray(truth))
    scores = volume_scores(int(prediction.sum()), int(truth.sum()), (1.0, 1.0, 1.0))
    assert scores["relative_volume_error"] == pytest.approx(measures.GetVolumeSimilarity(1))


@given(st.integers(0, 500), st.integers(1, 500))
def test_sizes_add_up(in_prediction, in_truth):
    scores = volume_scores(in_prediction, in_truth, (0.5, 0.5, 2.0))
    difference = scores["volume_prediction"] - scores["volume_truth"]
    assert scores["volume_error"] == pytest.approx(difference)
    assert scores["volume_truth"] == pytest.approx(in_truth / 2)
    assert -2 <= scores["relative_volume_error"] <= 2


def test_an_area_in_a_plane():
    assert volume_scores(6, 4, (0.5, 0.1)) == {
        "volume_truth": pytest.approx(0.2),
        "volume_prediction": pytest.approx(0.3),
        "volume_error": pytest.approx(0.1),
        "relative_volume_error": pytest.approx(0.4),
    }


def test_missed_and_false_are_never_left_out():
    assert volume_scores(0, 7, (1.0, 1.0))["relative_volume_error"] == -2
    assert volume_scores(7, 0, (1.0, 1.0))["relative_volume_error"] == 2


def test_absent_is_no_number():
    scores = volume_scores(0, 0, (1.0, 1.0))
    assert tuple(scores) == VOLUME_METRICS
    assert all(math.isnan(value) for value in scores.values())
