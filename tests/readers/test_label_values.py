"""Codes of a mask to class values."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as numbers

from lamina.errors import ConfigError, ReadError
from lamina.readers.label_values import (
    code_table,
    distinct_values,
    format_codes,
    map_codes,
    whole_numbers,
)

FILE = Path("m.png")


@given(st.dictionaries(st.integers(-1000, 100_000), st.integers(0, 20), min_size=1))
def test_grey_codes_are_read_as_they_are_written(table):
    assert code_table({str(code): value for code, value in table.items()}) == (table, False)


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_both_ways_of_writing_a_colour_mean_the_same(colour):
    written = "#" + "".join(f"{part:02x}" for part in colour)
    parts = ",".join(map(str, colour))
    assert code_table({written: 1}) == code_table({parts: 1}) == code_table({written.upper(): 1})


def test_spaces_in_a_colour_do_no_harm():
    assert code_table({"255, 0, 0": 1}) == ({0xFF0000: 1}, True)


@pytest.mark.parametrize(
    "key", ["white", "#ff00", "#gg0000", "256,0,0", "1,2", "1.5", "-1,0,0", ""]
)
def test_other_keys_are_refused_by_name(key):
    with pytest.raises(ConfigError, match=f"'{key}'"):
        code_table({key: 1})


def test_grey_values_and_colours_do_not_mix():
    with pytest.raises(ConfigError, match="all grey values or all colours"):
        code_table({"0": 0, "#ff0000": 1})


def test_an_empty_table_is_refused():
    with pytest.raises(ConfigError, match="all grey values or all colours"):
        code_table({})


@given(
    st.dictionaries(st.integers(-5, 300), st.integers(0, 20), min_size=1).flatmap(
        lambda table: st.tuples(
            st.just(table), st.lists(st.sampled_from(sorted(table)), min_size=1)
        )
    )
)
def test_each_code_gets_its_value(table_and_codes):
    table, codes = table_and_codes
    mapped = map_codes(np.array(codes), table, FILE, colors=False)
    assert mapped.tolist() == [table[code] for code in codes]


@pytest.mark.parametrize("strange", [-1, 5, 255, 70_000])
def test_a_code_below_between_or_above_the_known_is_refused(strange):
    codes = np.array([[0, 10], [strange, 20]])
    with pytest.raises(ReadError, match=rf"m\.png: values {strange} are not among 0, 10, 20"):
        map_codes(codes, {0: 0, 10: 1, 20: 2}, FILE, colors=False)


def test_strange_colours_are_written_as_colours():
    with pytest.raises(ReadError, match="values #00ff00 are not among #000000, #ff0000"):
        map_codes(np.array([0x00FF00]), {0: 0, 0xFF0000: 1}, FILE, colors=True)


@given(numbers.arrays(st.sampled_from([np.uint8, np.int16, np.int64]), (2, 3)))
def test_integers_stay(values):
    if np.abs(values.astype(float)).max() < 2**31:
        np.testing.assert_array_equal(whole_numbers(values, FILE), values)


def test_whole_floats_become_integers():
    found = whole_numbers(np.array([0.0, 2.0, -1.0]), FILE)
    assert found.dtype == np.int32
    assert found.tolist() == [0, 2, -1]


@pytest.mark.parametrize("value", [0.5, np.nan, np.inf, 2.0**31, -3e9])
def test_other_numbers_are_refused_with_their_value(value):
    with pytest.raises(ReadError, match=r"m\.png: a mask with values .*expected whole numbers"):
        whole_numbers(np.array([0.0, value]), FILE)


def test_truth_values_are_0_and_1():
    assert whole_numbers(np.array([True, False]), FILE).tolist() == [1, 0]


@given(numbers.arrays(np.int64, st.integers(0, 20), elements=st.integers(-70_000, 70_000)))
def test_distinct_values_are_those_of_numpy(values):
    np.testing.assert_array_equal(distinct_values(values), np.unique(values))


def test_long_lists_are_shortened():
    assert format_codes(np.arange(9)) == "0, 1, 2, 3, 4, 5, 6, 7 … (9 in all)"
    assert format_codes(np.arange(8)) == "0, 1, 2, 3, 4, 5, 6, 7"
