"""Cases as items of a MONAI data set."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.cases.case import SPLITS, Case, DataSet, items, safe_name, unique_names

WITH = Case("a", "images/a.png", "masks/a.png", "P1", "test")
WITHOUT = Case("b", "images/b.png", None, "P2")


def test_items_hold_paths_and_the_name():
    assert items([WITH, WITHOUT]) == [
        {"image": "images/a.png", "label": "masks/a.png", "case": "a"},
        {"image": "images/b.png", "case": "b"},
    ]


def test_no_key_begins_like_an_image_but_the_image():
    # MONAI's Spacingd takes every key image_* of an item for a dict.
    assert not any(key.startswith("image_") for key in items([WITH])[0])


def test_items_of_nothing_are_none():
    assert items([]) == []


def test_labelled_cases_of_a_data_set():
    assert DataSet(Path("x"), "made", (WITH, WITHOUT)).labelled == [WITH]


def test_cases_can_not_be_changed():
    with pytest.raises(AttributeError):
        WITH.name = "c"


def test_a_split_is_unknown_unless_said():
    assert WITHOUT.split is None
    assert WITH.split in SPLITS


@given(st.text())
def test_names_hold_nothing_that_a_file_name_may_not(text):
    name = safe_name(text)
    assert name
    assert not re.search(r'[\s/\\:*?"<>|#%\0]', name)
    assert name[0] not in "."
    assert len(name.encode()) < 255


@given(st.text(), st.lists(st.text(), unique=True, max_size=8))
def test_different_texts_have_different_names(text, others):
    texts = sorted({text, *others})
    names = [name.casefold() for name in unique_names(texts)]
    assert len(set(names)) == len(texts)


def test_usual_names_stay_as_they_are():
    assert unique_names(["hippocampus_001", "P12-left.2"]) == ["hippocampus_001", "P12-left.2"]


def test_names_that_differ_in_case_alone_are_told_apart():
    first, second = unique_names(["Eye", "eye"])
    assert first.casefold() != second.casefold()


def test_an_added_text_does_not_change_the_other_names():
    before = unique_names(["a b", "a/b"])
    after = unique_names(["0", "a b", "a/b", "a_b"])
    assert after[1:3] == before


def test_long_paths_keep_their_end_and_stay_different():
    texts = [f"{n}/{'deep/' * 60}scan" for n in range(3)]
    names = unique_names(texts)
    assert len(set(names)) == 3
    assert all("deep_scan" in name for name in names)
