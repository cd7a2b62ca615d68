import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import binomtest

from lamina.metrics.statistics import (
    FEWEST_PAIRS,
    Bootstrap,
    compare_pairs,
    describe,
    rank_correlation,
    unusually_high,
)

NAN = float("nan")
VALUES = st.lists(st.floats(0, 1) | st.just(NAN), min_size=1, max_size=12)


@given(VALUES)
def test_equals_numpy_without_nan(values):
    kept = [value for value in values if not np.isnan(value)]
    summary = describe(values, Bootstrap(resamples=50))
    assert summary["n"] == len(kept)
    assert summary["mean"] == (pytest.approx(np.mean(kept)) if kept else None)
    assert summary["median"] == (pytest.approx(np.median(kept)) if kept else None)
    assert summary["std"] == (pytest.approx(np.std(kept, ddof=1)) if len(kept) > 1 else None)


@given(VALUES)
def test_interval_lies_within_the_values(values):
    interval = describe(values, Bootstrap(resamples=50))["interval"]
    kept = [value for value in values if not np.isnan(value)]
    assert (interval is None) == (len(kept) < 2)
    if interval:
        assert min(kept) - 1e-9 <= interval[0] <= interval[1] <= max(kept) + 1e-9


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95])
def test_interval_equals_scipys_percentile_bootstrap(confidence):
    values = np.random.default_rng(3).beta(8, 2, 40)
    ours = describe(values, Bootstrap(confidence, resamples=20000))["interval"]
    scipys = stats.bootstrap(
        (values,),
        np.mean,
        confidence_level=confidence,
        n_resamples=20000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert ours == pytest.approx(list(scipys), abs=0.002)


def test_interval_narrows_with_the_number_of_cases():
    rng = np.random.default_rng(5)
    widths = [np.diff(describe(rng.random(cases))["interval"])[0] for cases in (10, 100, 1000)]
    assert widths == sorted(widths, reverse=True)


def test_seed_decides():
    values = np.random.default_rng(0).random(20)
    first, same, other = (describe(values, Bootstrap(seed=seed))["interval"] for seed in (1, 1, 2))
    assert first == same
    assert first != other


def test_mean_over_classes_of_means_over_cases():
    table = [[1.0, 0.0], [1.0, NAN], [NAN, NAN], [0.4, NAN]]
    summary = describe(table)
    assert summary["mean"] == pytest.approx((0.8 + 0.0) / 2)
    assert summary["median"] == pytest.approx(np.median([0.5, 1.0, 0.4]))
    assert summary["std"] == pytest.approx(np.std([0.5, 1.0, 0.4], ddof=1))
    assert summary["n"] == 3


def test_interval_of_a_table_equals_drawing_its_rows():
    rng = np.random.default_rng(2)
    table = rng.random((15, 3))
    table[rng.random(table.shape) < 0.3] = NAN
    draws = rng.integers(15, size=(20000, 15))
    means = [np.nanmean(np.nanmean(table[rows], axis=0)) for rows in draws]
    ours = describe(table, Bootstrap(resamples=20000))["interval"]
    assert ours == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.01)


def test_a_class_of_one_case_alone_is_survived():
    table = [[1.0, 0.5], [0.8, NAN], [0.9, NAN]]
    interval = describe(table)["interval"]
    assert np.isfinite(interval).all()


def test_nothing_gives_nothing():
    empty = {"mean": None, "median": None, "std": None, "interval": None, "n": 0}
    assert describe([NAN, NAN]) == empty
    assert describe([]) == empty


def test_values_are_plain_numbers():
    summary = describe(np.array([0.5, 0.25], dtype=np.float32))
    assert [type(summary[name]) for name in ("mean", "median", "std")] == [float] * 3
    assert [type(bound) for bound in summary["interval"]] == [float, float]


def test_only_high_ones_are_unusual():
    values = [0.10, 0.11, 0.12, 0.13, 0.14, 0.9, -5.0]
    assert unusually_high(values) == [False] * 5 + [True, False]


def test_the_fence_is_tukeys():
    values = [0.0, 1.0, 2.0, 3.0, 4.0]
    # Quartiles 1 and 3: the fence stands at 6.
    assert not any(unusually_high(values))
    assert unusually_high([*values[:4], 6.0]) == [False] * 5
    assert unusually_high([*values[:4], 6.1])[-1]


@pytest.mark.parametrize("values", [[], [0.1], [0.1, 0.1, 0.1, 9.0]])
def test_of_few_none_is(values):
    assert unusually_high(values) == [False] * len(values)


VALUES_PAIRED = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=30)


@given(pairs=VALUES_PAIRED)
def test_exchanging_the_two_turns_the_sign_and_nothing_else(pairs):
    a, b = map(list, zip(*pairs, strict=True))
    there, back = compare_pairs(a, b), compare_pairs(b, a)
    assert there["difference"] == pytest.approx(-back["difference"])
    assert (there["higher"], there["lower"]) == (back["lower"], back["higher"])
    assert there["p"] == pytest.approx(back["p"]) if there["p"] is not None else back["p"] is None


@given(pairs=VALUES_PAIRED)
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
    few = compare_pairs(np.zeros(FEWEST_PAIRS - 1), np.ones(FEWEST_PAIRS - 1))
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
