import pytest

from lamina.errors import ConfigError, ReadError
from lamina.tasks.catalogue import CHECKOUT, find_task, read_task, task_files


def test_every_task_is_called_as_its_file():
    names = [path.stem for path in task_files()]
    assert {"oct_phantom", "hippocampus_mr"} <= set(names)
    assert [read_task(path)["name"] for path in task_files()] == names


def test_a_name_or_a_path_both_do(tmp_path):
    assert find_task("oct_phantom") == CHECKOUT / "configs" / "tasks" / "oct_phantom.json"
    own = tmp_path / "own.json"
    own.write_text('{"name": "own"}')
    assert find_task(str(own)) == own


def test_an_unknown_name_gives_the_nearest():
    with pytest.raises(
        ConfigError, match="'hipocampus' is not known\n.*did you mean hippocampus_mr"
    ):
        find_task("hipocampus")
    with pytest.raises(ConfigError, match="known are .*oct_phantom"):
        find_task("xyz")
    with pytest.raises(ConfigError, match="no such file"):
        find_task("nowhere.json")


def test_a_file_that_is_no_task_is_named(tmp_path):
    broken = tmp_path / "b.json"
    broken.write_text('{"name": "b",\n')
    with pytest.raises(ReadError, match=r"b.json, line 2"):
        read_task(broken)
    broken.write_text("[1]")
    with pytest.raises(ConfigError, match="b.json: not a task"):
        read_task(broken)
