import json

import pytest
from tests.conftest import ROOT

from lamina.cli import main
from lamina.errors import ConfigError
from lamina.tasks.trust import require_trust, trusted_file

TASK = json.loads((ROOT / "configs" / "tasks" / "oct_phantom.json").read_text())


@pytest.fixture(autouse=True)
def own_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))


def written(tmp_path, **changes):
    path = tmp_path / "task.json"
    path.write_text(json.dumps(TASK | changes))
    return path


def program(tmp_path, **changes):
    """A task that leaves a file when a part of it is resolved."""
    ran = tmp_path / "RAN"
    return written(tmp_path, **changes, measure={"_target_": "os.mkdir", "path": str(ran)}), ran


def test_a_task_that_calculates_needs_no_trust(tmp_path):
    require_trust(written(tmp_path))
    assert not trusted_file().exists()


def test_a_program_is_named_and_trusted_once_as_it_is(tmp_path, caplog):
    path, ran = program(tmp_path)
    with pytest.raises(
        ConfigError, match=r"is a program .*\n- measure: 'os.mkdir'\n.*--trust once"
    ):
        require_trust(path)
    require_trust(path, trust=True)
    assert "is trusted from now on" in caplog.text
    require_trust(path)
    path.write_text(path.read_text() + " ")
    with pytest.raises(ConfigError, match="is a program"):
        require_trust(path)
    assert not ran.exists()


def test_what_stands_among_the_checkouts_configs_is_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setattr("lamina.tasks.trust.CHECKOUT", tmp_path)
    path, _ = program(tmp_path)
    (tmp_path / "configs").mkdir()
    require_trust(path.rename(tmp_path / "configs" / "own.json"))
    path, _ = program(tmp_path)
    (tmp_path / "configs" / "link.json").symlink_to(path)
    with pytest.raises(ConfigError, match="is a program"):
        require_trust(tmp_path / "configs" / "link.json")


@pytest.mark.parametrize(
    "line",
    [
        ["check"],
        ["train"],
        ["train", "--folds", "2"],
        ["predict"],
        ["evaluate"],
        ["pack", "-o", "packed"],
        ["serve", "--port", "0", "--task"],
        ["label", "--studies", ".", "--tasks"],
    ],
    ids=lambda line: " ".join(line[:2]),
)
def test_no_command_runs_a_strangers_program(tmp_path, monkeypatch, capsys, line):
    monkeypatch.chdir(tmp_path)
    path, ran = program(tmp_path)
    taken = (
        [*line, str(path)] if line[-1] in ("--task", "--tasks") else [line[0], str(path), *line[1:]]
    )
    assert main(taken) == 1
    assert "is a program that can do whatever you can do" in capsys.readouterr().err
    assert not ran.exists()


def test_check_runs_nothing_of_a_file_that_has_mistakes(tmp_path, capsys):
    ran = tmp_path / "RAN"
    code = f"$open({str(ran)!r}, 'w')"
    path = written(tmp_path, network_def=code, loss=code, fractions=[1, 1, 1])
    assert main(["check", str(path), "--trust"]) == 1
    assert "fractions: [1, 1, 1]" in capsys.readouterr().out
    path, _ = program(tmp_path)
    assert main(["check", str(path), "--trust"]) == 0
    assert not ran.exists()


@pytest.mark.parametrize("content", ["[]", '{"a": "$open(1)"}'])
def test_a_workflow_from_elsewhere_is_a_program_too(tmp_path, capsys, content):
    path = tmp_path / "w.json"
    path.write_text(content)
    assert main(["check", str(path)]) == 1
    assert "not a task" in (said := capsys.readouterr().err) or "is a program" in said
