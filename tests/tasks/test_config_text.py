"""Names of a data set are data: MONAI's parser, which the workflows use, must not see more."""

import copy
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from monai.bundle import ConfigParser

from lamina.errors import ConfigError
from lamina.tasks.catalogue import read_task
from lamina.tasks.config_text import escape_text, is_live, literal, unescape_text
from lamina.tasks.labels import read_labels

# Texts of what MONAI's parser knows, in any order.
SYNTAX = ["$", "@", "%", "#", "::", "\\", "\\u0024", "\\u005c", "u0024", "'", '"', " ", "é", "\0"]
PROGRAMS = ["$import this", "__import__('os')", "task#name", "a.json", "_target_", "@a", "%b", "1"]
TEXTS = st.lists(st.sampled_from(SYNTAX + PROGRAMS) | st.text(max_size=3), max_size=6).map("".join)


def parsed(config):
    parser = ConfigParser(copy.deepcopy(config))
    parser.parse(True)
    return parser.get_parsed_content("task")


@settings(deadline=None, max_examples=150)
@given(TEXTS)
@example("$__import__('os').abort()")
@example("@task#name")
@example("%/etc/passwd.json#a")
@example("a @#b %##c")
@example("\\u0024")
def test_any_name_comes_out_of_monais_parser_as_it_went_in(text):
    config = {"task": {"labels": [{"name": escape_text(text)}], "name": "mine"}}
    kept = parsed(config)["labels"][0]["name"]
    assert kept == escape_text(text)
    assert unescape_text(kept) == text
    assert not is_live(kept)


@settings(deadline=None, max_examples=100)
@given(TEXTS)
def test_what_is_not_live_is_left_alone_by_monai(text):
    if not is_live(text):
        assert parsed({"task": {"name": text}})["name"] == text


@settings(deadline=None, max_examples=150)
@given(TEXTS)
@example("/data/$a#1/@b%c's\\.nii")
def test_a_literal_is_the_text_itself(text):
    assert parsed({"task": {"path": literal(text)}})["path"] == text


def entries(name):
    return [
        {"value": 0, "name": "background", "color": [0, 0, 0]},
        {"value": 1, "name": name, "color": [1, 2, 3]},
    ]


def test_labels_have_the_names_that_people_know():
    assert read_labels(entries(escape_text("$a")))[1].name == "$a"


@pytest.mark.parametrize("name", ["$a", "@a", "%a", "C#", "a @::b"])
def test_a_task_file_whose_name_would_run_is_refused_before_it_is_used(tmp_path, name):
    with pytest.raises(ConfigError, match="task#labels#1#name: .* is a program for MONAI"):
        read_labels(entries(name))
    (tmp_path / "t.json").write_text(json.dumps({"name": "t", "labels": entries(name)}))
    with pytest.raises(ConfigError, match=r"t\.json: task#labels#1#name"):
        read_task(tmp_path / "t.json")
