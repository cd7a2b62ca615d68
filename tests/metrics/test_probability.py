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
def test_average_precision_equals_scikit_learn(probability, reference):
    expected = (
        average_precision_score(reference.ravel(), probability.ravel()) if reference.any() else 0
    )
    assert average_precision(probability, reference) == pytest.approx(expected)


@given(PROBABILITIES, TRUTHS)
def test_cross_entropy_equals_scikit_learn(probability, reference):
    expected = log_loss(reference.ravel(), probability.ravel(), labels=[False, True])
    assert cross_entropy(probability, reference) == pytest.approx(expected)


@given(TRUTHS)
def test_certainty_that_is_right_is_perfect(reference):
    scores = probability_scores(reference.astype(np.float32), reference)
    assert tuple(scores) == PROBABILITY_METRICS
    assert scores["cross_entropy"] == pytest.approx(0, abs=1e-6)
    assert scores["average_precision"] == (1.0 if reference.any() else 0.0)


def test_certainty_that_is_wrong_costs_much_but_is_finite():
    reference = np.array([True, False])
    for dtype in (np.float16, np.float32, np.float64):
        worst = cross_entropy((~reference).astype(dtype), reference)
        assert np.isfinite(worst)
        assert worst > 6


def test_one_value_everywhere_has_the_share_of_the_structure():
    reference = np.array([True, False, False, False])
    assert average_precision(np.full(4, 0.3), reference) == 0.25


def test_order_alone_matters_for_average_precision():
    rng = np.random.default_rng(0)
    probability, reference = rng.random((6, 7)), rng.random((6, 7)) > 0.6
    assert average_precision(probability**3, reference) == average_precision(probability, reference)


def test_other_shape_is_an_error():
    with pytest.raises(GeometryError):
        probability_scores(np.zeros((2, 3)), np.zeros((3, 2), dtype=bool))
