import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.planning.names import class_names, task_text
from lamina.tasks.catalogue import task_files


@pytest.mark.parametrize(
    "labels",
    [
        {"0": "background", "1": "Anterior", "2": "Posterior"},
        {"background": 0, "Anterior": 1, "Posterior": 2},
    ],
)
def test_the_decathlon_s_and_nnu_net_s_way(tmp_path, labels):
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels}))
    assert class_names(tmp_path, [1, 2, 5]) == {1: "Anterior", 2: "Posterior", 5: "structure 5"}


def test_the_same_name_twice_is_told_apart(tmp_path):
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"1": "rib", "2": "rib"}}))
    assert class_names(tmp_path, [1, 2]) == {1: "rib 1", 2: "rib 2"}


def test_a_file_without_labels_names_nothing(tmp_path):
    (tmp_path / "dataset.json").write_text("{}")
    assert class_names(tmp_path, [3]) == {3: "structure 3"}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=30,
)


@given(value=VALUES)
def test_it_is_the_same_json(value):
    assert json.loads(task_text(value)) == value


def test_lines_stay_short_and_small_things_together():
    for path in task_files():
        text = task_text(json.loads(path.read_text()))
        assert json.loads(text) == json.loads(path.read_text())
        assert sum(len(line) > 120 and "_desc" not in line for line in text.splitlines()) <= 4
