"""splits.json: complete or absent, and back again."""

import json
import os

import pytest

from lamina.cases.case import Case
from lamina.cases.splits_file import read_splits, write_splits
from lamina.errors import DataError

SPLITS = {
    "training": [Case("a", "a.png", "m.png", "Müller", "training")],
    "validation": [Case("b", "dicom/s#1.2.3", None, "P2")],
    "test": [],
}


def test_what_is_written_comes_back(tmp_path):
    write_splits(tmp_path / "splits.json", SPLITS)
    assert read_splits(tmp_path / "splits.json") == SPLITS


def test_people_can_read_it(tmp_path):
    write_splits(tmp_path / "splits.json", SPLITS)
    text = (tmp_path / "splits.json").read_text(encoding="utf-8")
    assert "Müller" in text
    assert list(json.loads(text)) == ["training", "validation", "test"]


def test_nothing_else_is_left_in_the_folder(tmp_path):
    write_splits(tmp_path / "splits.json", SPLITS)
    write_splits(tmp_path / "splits.json", SPLITS)
    assert [path.name for path in tmp_path.iterdir()] == ["splits.json"]


def test_a_failure_leaves_the_old_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "splits.json"
    write_splits(path, SPLITS)

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_splits(path, {**SPLITS, "training": []})
    assert read_splits(path) == SPLITS


@pytest.mark.parametrize(
    "text", ["", "[]", '{"training": []}', '{"training": [{"x": 1}], "validation": [], "test": []}']
)
def test_other_content_is_refused_by_name(tmp_path, text):
    (tmp_path / "splits.json").write_text(text)
    with pytest.raises(DataError, match=r"splits\.json: not the splits of a run"):
        read_splits(tmp_path / "splits.json")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.json: not the splits of a run"):
        read_splits(tmp_path / "none.json")
