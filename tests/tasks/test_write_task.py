import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.tasks.catalogue import CHECKOUT, task_files
from lamina.tasks.schema import SCHEMA
from lamina.tasks.write_task import compact_json, write_task

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=30,
)


@given(value=VALUES)
def test_it_is_the_same_json(value):
    assert json.loads(compact_json(value)) == value


@pytest.mark.parametrize("path", task_files(), ids=lambda path: path.stem)
def test_the_shipped_tasks_are_as_it_writes_them(path):
    assert path.read_text() == compact_json(json.loads(path.read_text()))


def test_lines_stay_short_and_small_things_together():
    texts = [path.read_text() for path in task_files()]
    assert sum(len(text.splitlines()) for text in texts) < 1200
    long = [
        line
        for text in texts
        for line in text.splitlines()
        if len(line) > 100 and "_desc" not in line and '"citation"' not in line
    ]
    assert not long


def test_a_long_list_of_words_fills_its_lines_and_one_of_texts_has_a_line_each():
    lines = compact_json({"metrics": [f"metric_{n}" for n in range(20)]}).splitlines()
    assert len(lines) == 7
    assert max(map(len, lines)) <= 100
    texts = compact_json({"texts": ["one text of some words"] * 6}).splitlines()
    assert len(texts) == 10


def test_a_task_names_its_schema_from_where_it_lies(tmp_path):
    write_task(tmp_path / "a.json", {"name": "a", "$schema": "elsewhere"})
    written = json.loads((tmp_path / "a.json").read_text())
    assert list(written) == ["$schema", "name"]
    assert (tmp_path / written["$schema"]).resolve() == SCHEMA
    shipped = CHECKOUT / "configs" / "tasks"
    for path in task_files():
        assert (shipped / json.loads(path.read_text())["$schema"]).resolve() == SCHEMA
