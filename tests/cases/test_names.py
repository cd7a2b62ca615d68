"""Names that are safe as file names, and unique."""

import re

from hypothesis import given
from hypothesis import strategies as st

from lamina.cases.names import safe_name, unique_names


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
