import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lamina.metrics.statistics import Bootstrap, describe

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
