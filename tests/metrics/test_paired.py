import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from lamina.metrics.paired import FEWEST, compare_pairs

VALUES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=30)


@given(pairs=VALUES)
def test_exchanging_the_two_turns_the_sign_and_nothing_else(pairs):
    a, b = map(list, zip(*pairs, strict=True))
    there, back = compare_pairs(a, b), compare_pairs(b, a)
    assert there["difference"] == pytest.approx(-back["difference"])
    assert (there["higher"], there["lower"]) == (back["lower"], back["higher"])
    assert there["p"] == pytest.approx(back["p"]) if there["p"] is not None else back["p"] is None


@given(pairs=VALUES)
def test_the_difference_is_that_of_the_means(pairs):
    a, b = map(list, zip(*pairs, strict=True))
    found = compare_pairs(a, b)
    assert found["difference"] == pytest.approx(np.mean(b) - np.mean(a), abs=1e-12)
    low, high = found["interval"]
    assert low - 1e-12 <= found["difference"] <= high + 1e-12


def test_all_of_ten_cases_better_is_as_unlikely_as_ten_heads():
    a = np.linspace(0.1, 0.5, 10)
    found = compare_pairs(a, a + np.linspace(0.01, 0.1, 10))
    assert found["p"] == pytest.approx(binomtest(10, 10).pvalue)


def test_a_case_that_one_side_lacks_is_left_out():
    nan = float("nan")
    found = compare_pairs([0.1, nan, 0.3, 0.4], [0.2, 0.5, nan, 0.3])
    assert (found["n"], found["higher"], found["lower"]) == (2, 1, 1)


def test_few_cases_have_no_p_and_none_have_nothing():
    few = compare_pairs(np.zeros(FEWEST - 1), np.ones(FEWEST - 1))
    assert few["p"] is None
    assert few["difference"] == 1
    none = compare_pairs([float("nan")], [0.5])
    assert none == {
        "n": 0,
        "mean_first": None,
        "mean_second": None,
        "difference": None,
        "interval": None,
        "higher": 0,
        "lower": 0,
        "p": None,
    }
    same = compare_pairs(np.ones(20), np.ones(20))
    assert (same["p"], same["difference"]) == (None, 0)
