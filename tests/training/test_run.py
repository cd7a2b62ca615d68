import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lamina.cases.case import Case
from lamina.cases.splits import read_splits
from lamina.errors import ConfigError
from lamina.training.run import changed_cases, differing, end_run, start_run

CONFIG = {"epochs": 3, "lr": 0.1, "task": {"network_def": {"channels": [16, 32]}}}


@pytest.fixture
def splits(tmp_path):
    image = tmp_path / "a.nii.gz"
    image.write_bytes(b"voxels")
    return {"training": [Case("a", str(image), None, "a")], "validation": [], "test": []}


@pytest.fixture
def run_dir(tmp_path):
    yield tmp_path / "run"
    end_run(tmp_path / "run")


def test_a_new_run_writes_what_it_is(run_dir, splits):
    assert start_run(str(run_dir), CONFIG, splits, epochs=3) is False
    assert json.loads((run_dir / "run.json").read_text())["config"] == CONFIG
    assert read_splits(run_dir / "splits.json") == splits


def test_the_same_again_goes_on(run_dir, splits):
    start_run(str(run_dir), CONFIG, splits, epochs=3)
    (run_dir / "last.pt").touch()
    assert start_run(str(run_dir), CONFIG, splits, epochs=3) is True


def test_another_config_is_refused_with_what_differs(run_dir, splits):
    start_run(str(run_dir), CONFIG, splits, epochs=3)
    (run_dir / "last.pt").touch()
    other = CONFIG | {"task": {"network_def": {"channels": [16, 64]}}}
    with pytest.raises(ConfigError, match=r"task#network_def#channels: \[16, 32\], now \[16, 64\]"):
        start_run(str(run_dir), other, splits, epochs=3)


def test_other_data_are_refused_by_the_name_of_the_case(run_dir, splits, tmp_path):
    start_run(str(run_dir), CONFIG, splits, epochs=3)
    (run_dir / "last.pt").touch()
    (tmp_path / "a.nii.gz").write_bytes(b"other!")
    with pytest.raises(ConfigError, match="data: training case a has changed"):
        start_run(str(run_dir), CONFIG, splits, epochs=3)


def test_a_finished_run_is_refused_unless_it_gets_more_epochs(run_dir, splits):
    start_run(str(run_dir), CONFIG, splits, epochs=3)
    for name in ("last.pt", "model.pt"):
        (run_dir / name).touch()
    with pytest.raises(ConfigError, match="a finished run of 3 epochs, 3 are requested"):
        start_run(str(run_dir), CONFIG, splits, epochs=3)
    with pytest.raises(ConfigError, match="a finished run of 3 epochs, 2 are requested"):
        start_run(str(run_dir), CONFIG | {"epochs": 2}, splits, epochs=2)
    assert start_run(str(run_dir), CONFIG | {"epochs": 5}, splits, epochs=5) is True
    assert json.loads((run_dir / "run.json").read_text())["epochs"] == 5


def test_a_finished_run_keeps_its_model_until_the_longer_one_has_another(run_dir, splits):
    start_run(str(run_dir), CONFIG, splits, epochs=3)
    for name in ("last.pt", "model.pt"):
        (run_dir / name).touch()
    longer = {"config": CONFIG | {"epochs": 5}, "splits": splits, "epochs": 5}
    for _ in range(2):  # it is killed, and begun again
        assert start_run(str(run_dir), **longer) is True
        assert (run_dir / "model.pt").exists()
    end_run(run_dir, finished=True)
    with pytest.raises(ConfigError, match="a finished run of 5 epochs, 5 are requested"):
        start_run(str(run_dir), **longer)


def test_a_second_training_in_the_folder_is_refused(run_dir, splits):
    code = f"""
import pathlib, time
from lamina.training.run import start_run
start_run({str(run_dir)!r}, {CONFIG!r}, {{"training": [], "validation": [], "test": []}}, epochs=3)
print("mine", flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "mine\n"
        with pytest.raises(ConfigError, match="run: another process trains in it"):
            start_run(str(run_dir), CONFIG, splits, epochs=3)
        other.kill()
        other.wait()
    assert start_run(str(run_dir), CONFIG, splits, epochs=3) is False
    end_run(run_dir)


def test_data_and_run_may_move_but_not_change(run_dir, splits, tmp_path):
    start_run(str(run_dir), CONFIG | {"dataset_dir": "/old"}, splits, epochs=3)
    (run_dir / "last.pt").touch()
    end_run(run_dir)
    moved = tmp_path / "moved"
    moved.mkdir()
    shutil.move(run_dir, moved / "run")
    image = shutil.move(tmp_path / "a.nii.gz", moved)
    there = {**splits, "training": [Case("a", str(image), None, "a")]}
    config = CONFIG | {"dataset_dir": str(moved)}
    assert start_run(str(moved / "run"), config, there, epochs=3) is True
    assert read_splits(moved / "run" / "splits.json") == there
    Path(image).write_bytes(b"others")
    with pytest.raises(ConfigError, match="data: training case a has changed"):
        start_run(str(moved / "run"), config, there, epochs=3)


def test_fresh_throws_the_run_away_and_nothing_else(run_dir, splits):
    start_run(str(run_dir), CONFIG, splits, epochs=3)
    for name in ("last.pt", "model.pt", "history.json", "notes.txt"):
        (run_dir / name).touch()
    assert start_run(str(run_dir), CONFIG | {"lr": 0.5}, splits, epochs=3, fresh=True) is False
    assert {p.name for p in run_dir.iterdir()} == {
        "run.json",
        "splits.json",
        "notes.txt",
        ".training.lock",
    }


def test_differing_names_added_and_removed_ids():
    assert differing({"a": 1}, {"b": 2}) == ["a: 1, now None", "b: None, now 2"]
    assert differing({"a": [1]}, {"a": [1]}) == []
    assert len(differing({"a": "x" * 500}, {"a": "y"})[0]) < 100


def test_a_run_that_failed_before_its_first_checkpoint_is_begun_anew(run_dir, splits):
    start_run(str(run_dir), CONFIG, splits, epochs=3)
    assert start_run(str(run_dir), CONFIG | {"lr": 0.5}, splits, epochs=7) is False
    assert json.loads((run_dir / "run.json").read_text())["config"]["lr"] == 0.5


def test_what_a_killed_write_left_is_removed(run_dir, splits):
    run_dir.mkdir()
    (run_dir / ".part-17-last.pt").write_bytes(b"half")
    start_run(str(run_dir), CONFIG, splits, epochs=3)
    assert not list(run_dir.glob(".part-*"))


def test_the_tasks_own_value_is_called_so(run_dir, splits):
    default = "$lamina.tasks.for_dims(@task#lr, @spatial_dims, 'lr')"
    start_run(str(run_dir), CONFIG | {"lr": default}, splits, epochs=3)
    (run_dir / "last.pt").touch()
    with pytest.raises(ConfigError, match="differs in lr: the task's, now 0.1"):
        start_run(str(run_dir), CONFIG, splits, epochs=3)


def test_a_changed_patience_goes_on(run_dir, splits):
    start_run(str(run_dir), CONFIG | {"patience": None}, splits, epochs=3)
    (run_dir / "last.pt").touch()
    assert start_run(str(run_dir), CONFIG | {"patience": 4}, splits, epochs=3) is True


def test_cases_that_changed_came_or_went_are_named():
    old = {"training": {"a": "1", "b": "2"}, "test": {"c": "3"}}
    new = {"training": {"a": "9", "c": "3"}, "test": {}}
    assert changed_cases(old, new) == [
        "data: training case a has changed",
        "data: training case b is gone",
        "data: training case c is new",
        "data: test case c is gone",
    ]
    assert changed_cases(old, old) == []


def test_another_description_of_the_bundle_is_no_other_run(run_dir, splits):
    start_run(str(run_dir), CONFIG | {"_meta_": {"version": "1"}}, splits, epochs=3)
    assert not start_run(str(run_dir), CONFIG | {"_meta_": {"version": "2"}}, splits, epochs=3)
