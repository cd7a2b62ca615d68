import json

import pytest

from lamina.errors import ConfigError
from lamina.label.work import Work


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
