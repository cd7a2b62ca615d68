import copy
import json

import pytest
from monai.bundle import ConfigParser

from lamina.errors import ConfigError
from lamina.tasks import check
from lamina.tasks.catalogue import CHECKOUT, read_task, task_files
from lamina.tasks.check import check_config, nearest
from lamina.tasks.components import find_target


def resolved(config, task):
    content = json.loads((CHECKOUT / "configs" / config).read_text())
    content["task"] = read_task(task)
    parser = ConfigParser(content)
    parser.resolve_macro_and_relative_ids()
    return parser.get()


@pytest.fixture
def config():
    return resolved("train.json", CHECKOUT / "configs" / "tasks" / "oct_phantom.json")


@pytest.mark.parametrize("task", task_files(), ids=lambda path: path.stem)
@pytest.mark.parametrize("name", ["train.json", "inference.json", "evaluate.json"])
def test_nothing_is_wrong_with_the_configs_that_lamina_ships(name, task):
    check_config(resolved(name, task))


def test_an_unknown_task_key_is_named_with_the_nearest(config):
    config["task"]["epoch"] = 3
    with pytest.raises(
        ConfigError, match=r"nothing knows the task's key 'epoch' \(did you mean 'epochs'"
    ):
        check_config(config)


def test_a_missing_task_key_is_explained(config):
    del config["task"]["measure"]
    with pytest.raises(ConfigError, match="the task lacks 'measure': what an evaluation measures"):
        check_config(config)


def test_an_argument_that_a_component_does_not_take(config):
    config["task"]["network_def"]["chanels"] = [1]
    config["train"]["trainer"]["max_epoch"] = 3
    with pytest.raises(ConfigError) as error:
        check_config(config)
    text = str(error.value)
    assert "task#network_def: UNet takes no 'chanels' (did you mean 'channels'?)" in text
    assert (
        "train#trainer: SupervisedTrainer takes no 'max_epoch' (did you mean 'max_epochs'?)" in text
    )


def test_a_component_that_does_not_exist(config):
    config["task"]["preprocessing"][0]["_target_"] = "LoadImagedd"
    with pytest.raises(ConfigError, match="task#preprocessing#0: there is no 'LoadImagedd'"):
        check_config(config)


def test_a_trained_network_is_not_tried_again_unless_its_window_is_new(monkeypatch):
    config = resolved("inference.json", CHECKOUT / "configs" / "tasks" / "oct_phantom.json")
    config["window_size"] = [13, 13]
    check_config(config)
    given = {"given": {"window_size"}, "known": {"window_size"}}
    monkeypatch.setattr(check, "command_line_ids", lambda: given)
    with pytest.raises(ConfigError, match="window_size: 13 × 13 does not fit the network"):
        check_config(config)


def test_reasons_are_welcome_everywhere(config):
    before = copy.deepcopy(config)
    config["_desc_lr"] = config["task"]["_desc_"] = config["train"]["trainer"]["_desc_"] = "why"
    check_config(config)
    assert before["task"].keys() < config["task"].keys()


def test_find_target_finds_what_monai_finds():
    assert find_target("lamina.transforms.RandPatchd").__name__ == "RandPatchd"
    assert find_target("DataLoader").__module__.startswith("monai")


def test_nearest_is_silent_where_nothing_is_near():
    assert nearest("xyz", ["epochs"]) == ""
