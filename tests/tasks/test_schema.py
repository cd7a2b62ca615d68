import dataclasses
import json
from typing import get_args, get_type_hints

import pytest
from jsonschema import Draft202012Validator

from lamina.readers import SeriesRules
from lamina.tasks.catalogue import CHECKOUT, read_task, task_files
from lamina.tasks.schema import rules_problems, schema_problems, task_schema


def test_it_is_a_schema():
    Draft202012Validator.check_schema(task_schema())


@pytest.mark.parametrize("path", task_files(), ids=lambda path: path.stem)
def test_the_shipped_tasks_follow_it(path):
    assert not list(schema_problems(read_task(path)))


def test_each_key_says_what_it_is_for():
    properties = task_schema()["properties"]
    assert all(entry["description"] for entry in properties.values())
    assert set(task_schema()["required"]) <= set(properties)


def test_an_editor_that_reads_the_file_alone_resolves_every_reference():
    text = json.dumps(task_schema())
    names = {part.split('"')[0] for part in text.split("#/$defs/")[1:]}
    assert names == set(task_schema()["$defs"])


@pytest.mark.parametrize("field", dataclasses.fields(SeriesRules), ids=lambda field: field.name)
def test_rules_their_choices_and_defaults_are_those_of_the_reader(field):
    rules = task_schema()["$defs"]["series_rules"]["properties"]
    assert set(rules) == {one.name for one in dataclasses.fields(SeriesRules)}
    for choice in get_args(get_type_hints(SeriesRules)[field.name]):
        assert not list(rules_problems({field.name: choice}))
    assert list(rules_problems({field.name: "perhaps"}))
    for name in ("train.json", "inference.json"):
        config = json.loads((CHECKOUT / "configs" / name).read_text())
        assert f"default={field.default!r})" in config["series_rules"][field.name]


def test_an_expression_may_stand_for_a_value():
    task = read_task(task_files()[0]) | {"epochs": "$3 * 4", "lr": "@rate", "loss": "%loss.json"}
    assert not list(schema_problems(task))


@pytest.mark.parametrize("broken", [[], "x", 3, None])
def test_what_is_no_task_at_all_is_one_line(broken):
    (problem,) = schema_problems(broken)
    assert problem.startswith(f"task: {broken!r}, expected")
