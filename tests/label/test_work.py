import json
import subprocess
import sys

import numpy as np
import pytest
from tests.label.conftest import read

from lamina.cli import main
from lamina.errors import ConfigError, WeightsError, WriteError
from lamina.label.errors import BusyError, UnknownNameError
from lamina.label.work import Models, Work, alone


def test_each_task_is_packed_and_served(packed_work):
    tasks = packed_work.tasks()
    assert list(tasks) == ["balls", "layers"]
    assert [label.name for label in tasks["balls"].labels] == ["background", "Left ball", "Ball"]
    assert (tasks["layers"].folder / "configs" / "inference.json").is_file()
    assert packed_work.unusable() == []
    assert list((packed_work.folder / "bundles").glob("*.zip")) == []


def test_trained_weights_and_labels_outlive_a_new_start(work, small_tasks):
    (work.folder / "first.pt").write_bytes(b"trained")
    work.tasks()["balls"].models.publish(work.folder / "first.pt")
    (work.labels / "final").mkdir(parents=True)
    (work.labels / "final" / "a.json").write_text("{}")
    (work.folder / "uploads" / "left.nii.gz").touch()
    work.prepare([str(small_tasks["balls"])])
    assert list(work.tasks()) == ["balls"]
    assert work.tasks()["balls"].models.current.read_bytes() == b"trained"
    assert (work.labels / "final" / "a.json").is_file()
    assert list((work.folder / "uploads").iterdir()) == []


def test_released_weights_are_the_first_version(tmp_path):
    work = Work(tmp_path)
    work.prepare(["hippocampus_mr"])
    assert work.tasks()["hippocampus_mr"].models.names() == ["model.pt", "model_v1.pt"]


def test_a_task_that_cannot_be_packed_ends_no_other(small_tasks, tmp_path, caplog):
    task = json.loads(small_tasks["balls"].read_text()) | {"name": "wrong"}
    task["labels"][1]["value"] = 7
    (tmp_path / "wrong.json").write_text(json.dumps(task))
    work = Work(tmp_path / "work")
    work.prepare([str(tmp_path / "wrong.json"), str(small_tasks["layers"])])
    assert list(work.tasks()) == ["layers"]
    ((name, why),) = work.unusable()
    assert name == "wrong"
    assert "[0, 1, 2]" in why
    assert "not served: wrong" in caplog.text


def test_without_any_task_there_is_no_server(small_tasks, tmp_path):
    task = json.loads(small_tasks["balls"].read_text())
    del task["window_size"]
    (tmp_path / "wrong.json").write_text(json.dumps(task))
    with pytest.raises(ConfigError, match="wrong: the task lacks 'window_size'"):
        Work(tmp_path / "work").prepare([str(tmp_path / "wrong.json")])
    with pytest.raises(ConfigError, match="did you mean hippocampus_mr"):
        Work(tmp_path / "work").prepare(["hippocampus"])


HOLD = """
import sys
from pathlib import Path
from lamina.label.work import alone
with alone(Path(sys.argv[1]), "a test runs"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that is alone in a folder until it is killed."""
    line = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        yield other
        other.kill()


def test_a_second_process_is_refused_until_the_first_dies(tmp_path, holder):
    with pytest.raises(BusyError, match="a test runs already"), alone(tmp_path, "a test runs"):
        pytest.fail("two at once")
    holder.kill()
    holder.wait()
    with alone(tmp_path, "a test runs"):
        pass


def test_it_can_be_entered_again_after_an_error(tmp_path):
    with pytest.raises(ValueError, match="inside"), alone(tmp_path / "new", "a test runs"):
        raise ValueError("inside")
    with alone(tmp_path / "new", "a test runs"):
        pass


@pytest.fixture
def models(tmp_path):
    return Models(tmp_path / "lungs")


def publish(models, tmp_path, text):
    (tmp_path / "new.pt").write_text(text)
    return models.publish(tmp_path / "new.pt")


def test_without_weights_it_says_what_to_do(models):
    assert models.names() == []
    with pytest.raises(WeightsError, match="lungs has no weights yet"):
        models.file("model.pt")


def test_each_version_is_kept(models, tmp_path):
    assert publish(models, tmp_path, "first") == "model_v1.pt"
    assert publish(models, tmp_path, "second") == "model_v2.pt"
    assert models.names() == ["model.pt", "model_v1.pt", "model_v2.pt"]
    assert models.file("model.pt").read_text() == "second"
    assert models.file("model_v1.pt").read_text() == "first"


def test_the_tenth_comes_after_the_ninth(models, tmp_path):
    for number in range(11):
        publish(models, tmp_path, str(number))
    assert models.names()[-2:] == ["model_v10.pt", "model_v11.pt"]


@pytest.mark.parametrize("name", ["model_v2.pt", "../new.pt", "new.pt"])
def test_other_names_are_refused(models, tmp_path, name):
    publish(models, tmp_path, "first")
    with pytest.raises(UnknownNameError, match="known are model.pt, model_v1.pt"):
        models.file(name)


def test_a_full_disk_leaves_the_old_model(models, tmp_path, monkeypatch):
    publish(models, tmp_path, "first")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lamina.label.work.shutil.copyfile", full)
    with pytest.raises(WriteError, match="No space left"):
        publish(models, tmp_path, "second")
    assert models.names() == ["model.pt", "model_v1.pt"]
    assert models.file("model.pt").read_text() == "first"


def test_a_packed_task_segments_as_predict_does(work, datastore, small_tasks, tmp_path):
    task, address = work.tasks()["balls"], datastore.studies.address("b")
    case = task.segmenter(task.models.current, {}).segment(address, "b")
    words = ["-o", str(tmp_path / "own"), "--weights", str(task.models.current)]
    assert main(["predict", str(small_tasks["balls"]), address, *words]) == 0
    np.testing.assert_array_equal(case.label, read(tmp_path / "own" / "b.nii.gz"))


def test_two_tasks_in_one_process_keep_apart(work, datastore):
    labels = {}
    for name in ("balls", "layers", "balls"):
        task = work.tasks()[name]
        segmenter = task.segmenter(task.models.current, {})
        label = segmenter.segment(datastore.studies.address("a"), "a").label
        if name in labels:
            np.testing.assert_array_equal(label, labels[name])
        labels[name] = label
    assert labels["layers"].max() > 2


def test_options_have_the_defaults_of_the_config(work):
    options = work.tasks()["balls"].options
    assert options == {"keep_largest": False, "smoothing": 0.0, "threshold": 0.0}


def test_a_threshold_that_nothing_reaches_leaves_nothing(work, datastore):
    task = work.tasks()["balls"]
    segmenter = task.segmenter(task.models.current, {"threshold": 1.01})
    assert not segmenter.segment(datastore.studies.address("a"), "a").label.any()
