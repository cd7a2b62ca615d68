import json

from hypothesis import given
from hypothesis import strategies as st

from lamina.planning.layout import task_text
from lamina.tasks.catalogue import task_files

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
