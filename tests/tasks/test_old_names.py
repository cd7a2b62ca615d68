import json

import pytest

from lamina.errors import ConfigError
from lamina.tasks import old_names
from lamina.tasks.catalogue import CHECKOUT
from lamina.tasks.check import check_config
from lamina.tasks.components import find_target
from lamina.tasks.old_names import NEW_NAMES, old_name_problems


@pytest.mark.parametrize("old", NEW_NAMES)
def test_an_old_name_is_gone_and_the_new_one_is_there(old):
    assert find_target(old) is None
    assert find_target(NEW_NAMES[old]) is not None


@pytest.mark.parametrize("mark", ["$", "$@"])
def test_expressions_are_looked_through(mark):
    problems = list(old_name_problems({"a": [{"b": f"{mark}lamina.output.CaseLoop(3)"}]}))
    assert problems == [
        "a#0#b: 'lamina.output.CaseLoop' is called 'lamina.prediction.CaseLoop' now"
    ]


def test_a_step_that_reads_something_else_may_stay():
    region = {"_target_": "LoadImaged", "keys": "region"}
    assert not list(old_name_problems({"task": {"preprocessing": [region]}}))
    both = {"_target_": "LoadImaged", "keys": ["image", "label"]}
    (problem,) = old_name_problems({"task": {"preprocessing": [region, both]}})
    assert "step 1 (LoadImaged)" in problem


def test_all_arguments_of_the_old_reader_have_a_new_place():
    reader = {"channels": 3} | {old: "x" for old in old_names._RULES}
    steps = [{"_target_": "LoadImaged", "keys": "image", "reader": reader}]
    (problem,) = old_name_problems({"task": {"preprocessing": steps}})
    rules = json.loads("{" + problem.split(" and ")[-1].split(" into the task")[0] + "}")
    assert set(rules["series_rules"]) == set(old_names._RULES.values())


def test_a_task_of_an_earlier_version_is_refused_with_what_to_change():
    task = json.loads((CHECKOUT / "configs/tasks/lung_cxr.json").read_text())
    for keys, reader in (("label", "LabelReader"), ("image", "CaseReader")):
        step = {"_target_": "LoadImaged", "keys": keys}
        step["reader"] = {"_target_": f"lamina.cases.{reader}"}
        task["preprocessing"].insert(0, step)
    with pytest.raises(ConfigError) as error:
        check_config({"task": task})
    assert str(error.value).startswith(
        "task#preprocessing: steps 0 and 1 (LoadImaged): the workflow"
    )
    assert len(str(error.value).splitlines()) == 2
