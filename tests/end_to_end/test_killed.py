"""A training that was killed goes on to the weights of one that was not, bit for bit."""

import random
import subprocess
import sys

import pytest

from lamina.cli import main
from lamina.tensors import load_checkpoint
from lamina.training.checkpoints import RunCheckpoints
from lamina.training.history import read_history

EPOCHS = "4"

# What stands before the command in the process that is killed; each in its second epoch.
KILL = """
import io, os, signal, sys
from pathlib import Path
import torch
from lamina.cli import main
from lamina.training import RunCheckpoints
save = RunCheckpoints.save
def die(): os.kill(os.getpid(), signal.SIGKILL)
"""
MOMENTS = {
    "before a checkpoint": """
def killed(self, engine):
    die() if engine.state.epoch == 2 else save(self, engine)
RunCheckpoints.save = killed
""",
    "during the write of one": """
write = Path.write_bytes
def half(path, content):
    if path.name.endswith("last.pt") and torch.load(io.BytesIO(content))["epoch"] == 2:
        write(path, bytes(content)[:1000])
        die()
    return write(path, content)
Path.write_bytes = half
""",
    "after a checkpoint": """
def killed(self, engine):
    save(self, engine)
    if engine.state.epoch == 2:
        die()
RunCheckpoints.save = killed
""",
}

AT_STEP = """
from lamina.training import History
note = History._note_loss
def killed(self, engine):
    note(self, engine)
    if engine.state.iteration == STEP:
        die()
History._note_loss = killed
"""
FULL = """
import resource
def limited(self, engine):
    save(self, engine)
    size = (self.run_dir / "last.pt").stat().st_size // 2
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
RunCheckpoints.save = limited
"""


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


@pytest.mark.parametrize("step", random.Random(7).sample(range(1, 12), 3))
def test_killed_at_a_random_step(command, whole, tmp_path, step):
    run = tmp_path / "run"
    script = KILL + AT_STEP + "sys.exit(main(sys.argv[1:]))"
    line = [sys.executable, "-c", f"STEP = {step}\n{script}", *command, str(run)]
    assert subprocess.run(line, capture_output=True, check=False).returncode == -9
    assert main([*command, str(run)]) == 0
    assert_alike(run, whole)
    assert not list(run.glob(".part-*"))


def test_a_full_disk_leaves_the_last_good_checkpoint(command, whole, tmp_path):
    """No file may grow beyond what a checkpoint takes, from the second epoch on."""
    run = tmp_path / "run"
    line = [sys.executable, "-c", KILL + FULL + "sys.exit(main(sys.argv[1:]))", *command, str(run)]
    done = subprocess.run(line, capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert "written: File too large" in done.stderr, done.stderr
    assert "bug of Lamina" not in done.stderr
    assert load_checkpoint(run / "last.pt")["epoch"] == 1
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
    assert "the same command continues where it was" in capsys.readouterr().err
    assert main([*command, str(tmp_path / "run")]) == 0
    assert_alike(tmp_path / "run", whole)


def test_more_epochs_go_on_with_a_finished_run(command, whole, tmp_path):
    run = tmp_path / "run"
    assert main([*command, str(run)]) == 0
    longer = [word if word != EPOCHS else "6" for word in command]
    assert main([*longer, str(run)]) == 0
    assert [row["epoch"] for row in read_history(str(run))] == [1, 2, 3, 4, 5, 6]
    assert load_checkpoint(run / "last.pt")["epoch"] == 6
