import math

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sklearn

from lamina.metrics.confusion import confusion_matrix
from lamina.metrics.overlap import (
    OVERLAP_METRICS,
    STATUSES,
    VOLUME_METRICS,
    class_status,
    overlap_scores,
    volume_scores,
)

CLASSES = 3
MAPS = hnp.arrays(np.uint8, (3, 4, 5), elements=st.integers(0, CLASSES - 1))
REFERENCES = {
    "dice": sklearn.f1_score,
    "iou": sklearn.jaccard_score,
    "precision": sklearn.precision_score,
    "recall": sklearn.recall_score,
    "f1": sklearn.f1_score,
}


def scores_of(prediction, reference, num_classes=CLASSES):
    return overlap_scores(confusion_matrix(prediction, reference, num_classes))


@given(MAPS, MAPS)
def test_ratios_equal_scikit_learn(prediction, reference):
    scores = scores_of(prediction, reference)
    for value in range(CLASSES):
        true, predicted = (reference == value).ravel(), (prediction == value).ravel()
        if not (true | predicted).any():
            assert all(math.isnan(scores[name][value]) for name in OVERLAP_METRICS)
            continue
        for name, independent in REFERENCES.items():
            expected = independent(true, predicted, zero_division=0)
            assert scores[name][value].item() == pytest.approx(expected)
        accuracy = sklearn.accuracy_score(true, predicted)
        assert scores["accuracy"][value].item() == pytest.approx(accuracy)


@given(MAPS, MAPS)
def test_dice_and_iou_equal_itk(prediction, reference):
    measures = sitk.LabelOverlapMeasuresImageFilter()
    measures.Execute(sitk.GetImageFromArray(reference), sitk.GetImageFromArray(prediction))
    scores = scores_of(prediction, reference)
    for value in range(1, CLASSES):
        if (reference == value).any() and (prediction == value).any():
            assert scores["dice"][value].item() == pytest.approx(measures.GetDiceCoefficient(value))
            jaccard = measures.GetJaccardCoefficient(value)
            assert scores["iou"][value].item() == pytest.approx(jaccard)


@given(MAPS)
def test_a_perfect_prediction_scores_one(reference):
    for score in scores_of(reference, reference).values():
        present = score[~score.isnan()]
        assert torch.equal(present, torch.ones_like(present))


@given(MAPS, MAPS)
def test_swapping_swaps_precision_and_recall(prediction, reference):
    there, back = scores_of(prediction, reference), scores_of(reference, prediction)
    assert torch.equal(there["precision"].nan_to_num(-1), back["recall"].nan_to_num(-1))
    assert torch.equal(there["dice"].nan_to_num(-1), back["dice"].nan_to_num(-1))


@given(MAPS, MAPS)
def test_dice_follows_from_iou(prediction, reference):
    scores = scores_of(prediction, reference)
    dice, iou = scores["dice"].nan_to_num(0), scores["iou"].nan_to_num(0)
    assert torch.allclose(dice, 2 * iou / (1 + iou))


@pytest.mark.parametrize(
    ("reference", "prediction", "status"),
    [
        ([1, 0, 0, 0], [1, 1, 0, 0], "present"),
        ([1, 0, 0, 0], [0, 1, 0, 0], "present"),
        ([1, 0, 0, 0], [0, 0, 0, 0], "missed"),
        ([0, 0, 0, 0], [1, 0, 0, 0], "false"),
        ([0, 0, 0, 0], [0, 0, 0, 0], "absent"),
    ],
)
def test_status(reference, prediction, status):
    assert class_status(confusion_matrix(np.array(prediction), np.array(reference), 2))[1] == status
    assert status in STATUSES


@pytest.mark.parametrize(
    ("reference", "prediction"), [([0, 1, 1], [0, 0, 0]), ([0, 0, 0], [0, 1, 1])]
)
def test_missed_and_false_score_zero(reference, prediction):
    scores = scores_of(np.array(prediction), np.array(reference), 2)
    zero = [scores[name][1].item() for name in ("dice", "iou", "precision", "recall", "f1")]
    assert zero == [0, 0, 0, 0, 0]
    assert scores["accuracy"][1].item() == pytest.approx(1 / 3)


def test_absent_is_left_out_of_every_metric():
    scores = scores_of(np.array([0, 1]), np.array([0, 1]))
    assert list(scores) == list(OVERLAP_METRICS)
    assert all(score[2].isnan() for score in scores.values())
    assert not any(score[:2].isnan().any() for score in scores.values())


def test_counts_of_a_large_volume_stay_exact():
    voxels = 2**40
    confusion = torch.tensor([[voxels, 1], [0, 1]])
    assert overlap_scores(confusion)["dice"][1].item() == pytest.approx(2 / 3)
    assert overlap_scores(confusion)["accuracy"][1].item() == 1 - 1 / (voxels + 2)


MAPS_VOLUME = hnp.arrays(np.uint8, (3, 4, 5), elements=st.integers(0, 1))


@given(MAPS_VOLUME, MAPS_VOLUME)
def test_relative_error_equals_itk(prediction, reference):
    if not (prediction.any() and reference.any()):
        return
    measures = sitk.LabelOverlapMeasuresImageFilter()
    # ITK's source is our prediction: its volume similarity is 2 (source - target) / (sum of both).
    measures.Execute(sitk.GetImageFromArray(prediction), sitk.GetImageFromArray(reference))
    scores = volume_scores(int(prediction.sum()), int(reference.sum()), 1.0)
    assert scores["relative_volume_error"] == pytest.approx(measures.GetVolumeSimilarity(1))


@given(st.integers(0, 500), st.integers(1, 500))
def test_sizes_add_up(in_prediction, in_reference):
    scores = volume_scores(in_prediction, in_reference, 0.5)
    difference = scores["volume_prediction"] - scores["volume_truth"]
    assert scores["volume_error"] == pytest.approx(difference)
    assert scores["volume_truth"] == pytest.approx(in_reference / 2)
    assert -2 <= scores["relative_volume_error"] <= 2


def test_an_area_in_a_plane():
    assert volume_scores(6, 4, 0.05) == {
        "volume_truth": pytest.approx(0.2),
        "volume_prediction": pytest.approx(0.3),
        "volume_error": pytest.approx(0.1),
        "relative_volume_error": pytest.approx(0.4),
    }


def test_missed_and_false_are_never_left_out():
    assert volume_scores(0, 7, 1.0)["relative_volume_error"] == -2
    assert volume_scores(7, 0, 1.0)["relative_volume_error"] == 2


def test_absent_is_no_number():
    scores = volume_scores(0, 0, 1.0)
    assert tuple(scores) == VOLUME_METRICS
    assert all(math.isnan(value) for value in scores.values())
