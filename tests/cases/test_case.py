"""Cases as items of a MONAI data set."""

from pathlib import Path

import pytest

from lamina.cases.case import SPLITS, Case, DataSet, items

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
