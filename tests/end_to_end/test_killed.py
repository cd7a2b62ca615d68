"""A training that was killed goes on to the weights of one that was not, bit for bit."""

import subprocess
import sys

import pytest

from lamina.cli import main
from lamina.files import load_checkpoint
from lamina.training import RunCheckpoints, read_history

EPOCHS = "4"

# What stands before the command in the process that is killed; each in its second epoch.
KILL = """
import os, signal, sys
import torch
from lamina.cli import main
from lamina.training import RunCheckpoints
save, write = RunCheckpoints.save, torch.save
def die(): os.kill(os.getpid(), signal.SIGKILL)
"""
MOMENTS = {
    "before a checkpoint": """
def killed(self, engine):
    die() if engine.state.epoch == 2 else save(self, engine)
RunCheckpoints.save = killed
""",
    "during the write of one": """
def half(content, path):
    write(content, path)
    if path.name.endswith("last.pt") and content["epoch"] == 2:
        os.truncate(path, 1000)
        die()
torch.save = half
""",
    "after a checkpoint": """
def killed(self, engine):
    save(self, engine)
    if engine.state.epoch == 2:
        die()
RunCheckpoints.save = killed
""",
}


@pytest.fixture(scope="module")
def command(small_task, dataset, tmp_path_factory):
    """Return what is trained, all but its folder."""
    task = small_task(tmp_path_factory.mktemp("killed"))
    return ["train", str(task), "--dataset-dir", str(dataset), "--epochs", EPOCHS, "--run-dir"]


@pytest.fixture(scope="module")
def whole(command, tmp_path_factory):
    run = tmp_path_factory.mktemp("whole") / "run"
    assert main([*command, str(run)]) == 0
    return run


def assert_alike(run, whole):
    for name in ("model.pt", "best.pt"):
        expected, found = load_checkpoint(whole / name), load_checkpoint(run / name)
        assert expected.keys() == found.keys()
        assert all((expected[key] == found[key]).all() for key in expected)
    left_out = {"seconds"}
    for one, other in zip(read_history(str(whole)), read_history(str(run)), strict=True):
        assert {k: one[k] for k in one if k not in left_out} == {
            k: other[k] for k in other if k not in left_out
        }


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_and_resumed(command, whole, tmp_path, moment):
    """SIGKILL ends a process of its own, so that nothing can be tidied up."""
    run = tmp_path / "run"
    script = KILL + MOMENTS[moment] + "sys.exit(main(sys.argv[1:]))"
    line = [sys.executable, "-c", script, *command, str(run)]
    assert subprocess.run(line, capture_output=True, check=False).returncode == -9
    assert not (run / "model.pt").exists()
    assert main([*command, str(run)]) == 0
    assert_alike(run, whole)


def test_interrupted_and_resumed(command, whole, tmp_path, monkeypatch, capsys):
    """Ctrl-C says how to go on, and has a status of its own."""
    save = RunCheckpoints.save

    def interrupt(self, engine):
        save(self, engine)
        if engine.state.epoch == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunCheckpoints, "save", interrupt)
        assert main([*command, str(tmp_path / "run")]) == 130
    assert "goes on where it was" in capsys.readouterr().err
    assert main([*command, str(tmp_path / "run")]) == 0
    assert_alike(tmp_path / "run", whole)


def test_more_epochs_go_on_with_a_finished_run(command, whole, tmp_path):
    run = tmp_path / "run"
    assert main([*command, str(run)]) == 0
    longer = [word if word != EPOCHS else "6" for word in command]
    assert main([*longer, str(run)]) == 0
    assert [row["epoch"] for row in read_history(str(run))] == [1, 2, 3, 4, 5, 6]
    assert load_checkpoint(run / "last.pt")["epoch"] == 6
