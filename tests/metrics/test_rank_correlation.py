import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.metrics.rank_correlation import rank_correlation


@given(st.permutations(range(12)))
def test_without_ties_it_is_the_textbooks_formula(order):
    found = rank_correlation(range(12), order)
    squares = sum((a - b) ** 2 for a, b in enumerate(order))
    assert found["rho"] == pytest.approx(1 - 6 * squares / (12 * (144 - 1)), abs=1e-5)
    assert found["n"] == 12


@given(st.lists(st.floats(0.01, 100), min_size=10, max_size=30, unique=True))
def test_only_the_order_counts(values):
    other = np.random.default_rng(0).permutation(len(values))
    plain, bent = (rank_correlation(f, other) for f in (values, np.log(values)))
    if len(set(np.log(values))) == len(values):
        assert bent == plain


def test_cases_without_a_number_are_left_out():
    second = [*range(9, -1, -1), np.nan]
    assert rank_correlation(range(11), second)["n"] == 10


@pytest.mark.parametrize("values", [range(9), [1.0] * 20])
def test_nothing_is_said_of_few_or_equal_ones(values):
    assert rank_correlation(values, values)["rho"] is None
