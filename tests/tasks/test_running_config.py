import pytest
from monai.bundle import ConfigParser, create_workflow

from lamina.errors import ConfigError
from lamina.tasks.running_config import command_line_ids, current_config

EXPRESSION = {
    "imports": ["$import lamina", "$import lamina.tasks", "$import lamina.tasks.running_config"],
    "width": 3,
    "net": {"depth": 2},
    "seen": "$lamina.tasks.current_config()",
    "ids": "$lamina.tasks.running_config.command_line_ids()",
}


def test_the_config_with_its_overrides():
    parser = ConfigParser(EXPRESSION | {"copy": "%width"})
    parser.update({"width": 5})
    seen = parser.get_parsed_content("seen")
    assert (seen["width"], seen["copy"]) == (5, 5)
    seen["width"] = 9
    assert parser["width"] == 5


def test_outside_of_a_config_it_says_so():
    with pytest.raises(ConfigError, match="no MONAI config is being evaluated"):
        current_config()
    assert command_line_ids() == {"given": set(), "known": set()}


def test_what_the_runner_was_given(tmp_path):
    config = tmp_path / "c.json"
    ConfigParser.export_config_file(EXPRESSION | {"initialize": ["@ids"], "run": []}, str(config))
    workflow = create_workflow(
        config_file=str(config), logging_file=False, width=4, widht=5, **{"net#depth": 3}
    )
    ids = workflow.parser.get_parsed_content("ids")
    assert {"width", "widht", "net"} <= ids["given"]
    assert {"width", "net"} <= ids["known"]
    assert "widht" not in ids["known"]
