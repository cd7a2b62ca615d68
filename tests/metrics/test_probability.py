import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score, log_loss

from lamina.errors import GeometryError
from lamina.metrics.probability import (
    PROBABILITY_METRICS,
    average_precision,
    cross_entropy,
    probability_scores,
)

# Few different values, so that there are ties.
PROBABILITIES = hnp.arrays(
    np.float64, (4, 5), elements=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])
)
TRUTHS = hnp.arrays(bool, (4, 5))


@given(PROBABILITIES, TRUTHS)
def test_average_precision_equals_scikit_learn(probability, truth):
    expected = average_precision_score(truth.ravel(), probability.ravel()) if truth.any() else 0
    assert average_precision(probability, truth) == pytest.approx(expected)


@given(PROBABILITIES, TRUTHS)
def test_cross_entropy_equals_scikit_learn(probability, truth):
    expected = log_loss(truth.ravel(), probability.ravel(), labels=[False, True])
    assert cross_entropy(probability, truth) == pytest.approx(expected)


@given(TRUTHS)
def test_certainty_that_is_right_is_perfect(truth):
    scores = probability_scores(truth.astype(np.float32), truth)
    assert tuple(scores) == PROBABILITY_METRICS
    assert scores["cross_entropy"] == pytest.approx(0, abs=1e-6)
    assert scores["average_precision"] == (1.0 if truth.any() else 0.0)


def test_certainty_that_is_wrong_costs_much_but_is_finite():
    truth = np.array([True, False])
    for dtype in (np.float16, np.float32, np.float64):
        worst = cross_entropy((~truth).astype(dtype), truth)
        assert np.isfinite(worst)
        assert worst > 6


def test_one_value_everywhere_has_the_share_of_the_structure():
    truth = np.array([True, False, False, False])
    assert average_precision(np.full(4, 0.3), truth) == 0.25


def test_order_alone_matters_for_average_precision():
    rng = np.random.default_rng(0)
    probability, truth = rng.random((6, 7)), rng.random((6, 7)) > 0.6
    assert average_precision(probability**3, truth) == average_precision(probability, truth)


def test_other_shape_is_an_error():
    with pytest.raises(GeometryError):
        probability_scores(np.zeros((2, 3)), np.zeros((3, 2), dtype=bool))
