import json

import numpy as np
import pytest
import torch
from PIL import Image
from tests.label.conftest import read, write_label, write_volume

from lamina.errors import ConfigError, DataError
from lamina.label.datastore import FINAL
from lamina.label.errors import BusyError, UnknownNameError
from lamina.label.training import LaminaTrainTask
from lamina.label.work import alone


@pytest.fixture
def train(work):
    return LaminaTrainTask(work.tasks()["balls"])


@pytest.fixture
def submit(datastore, tmp_path):
    def save(image, names=("Ball",), seed=0):
        ball = write_volume(tmp_path / "same.nii.gz", seed)
        info = [{"name": name, "idx": place} for place, name in enumerate(names, 1)]
        file = write_label(tmp_path / "label.nii.gz", ball)
        datastore.save_label(image, file, FINAL, {"label_info": info})
        return ball

    return save


@pytest.fixture
def measure(monkeypatch):
    """Give the current and the trained weights scores, on the validation cases and on all."""

    def give(on_validation, on_all):
        def dice(task, weights, cases):
            scores = on_validation if "validation" in cases else on_all
            return scores[weights == task.runs / "model.pt"]

        monkeypatch.setattr("lamina.label.training._dice", dice)

    return give


def test_one_label_trains_and_makes_a_version(train, datastore, submit, measure):
    measure(None, (0.5, 0.5))
    ball = submit("a")
    before = train.task.models.current.read_bytes()
    stats = train({"max_epochs": 2, "run_id": "", "gpus": "all", "multi_gpu": True}, datastore)
    assert (stats["epoch"], stats["total_epochs"], stats["version"]) == (2, 2, "model_v2.pt")
    assert train.config()["model_filename"] == ["model.pt", "model_v1.pt", "model_v2.pt"]
    assert train.task.models.file("model_v1.pt").read_bytes() == before
    assert train.task.models.current.read_bytes() != before
    assert stats["current"] == "model_v2.pt"
    np.testing.assert_array_equal(read(train.task.runs / "labels" / "a.nii.gz"), 2 * ball)
    assert json.dumps(stats)


def test_weights_that_find_nothing_do_not_replace_the_current_ones(
    train, datastore, submit, caplog
):
    """Measured as they are: this small network unlearns the little that it finds."""
    submit("a")
    before = train.task.models.current.read_bytes()
    stats = train({"max_epochs": 40}, datastore)
    assert (stats["version"], stats["current"]) == ("model_v2.pt", "model.pt")
    assert train.task.models.current.read_bytes() == before
    assert train.task.models.file("model_v2.pt").read_bytes() != before
    assert "a Dice of 0.000 where the current model has 0." in caplog.text


@pytest.mark.parametrize(
    ("on_validation", "on_all", "replaced"),
    [
        ((0.5, 0.4), (0.1, 0.9), False),
        ((0.5, 0.5), (0.9, 0.1), True),
        ((0.0, 0.0), (0.9, 0.1), False),
        ((float("nan"), 0.0), (0.1, 0.9), True),
        ((0.5, 0.0), (0.1, 0.9), False),
    ],
)
def test_the_validation_cases_count_where_they_can_tell(
    train, datastore, submit, measure, on_validation, on_all, replaced
):
    for seed, image in enumerate("cdefgh"):
        write_volume(datastore.studies.folder / f"{image}.nii.gz", 2 + seed)
        submit(image, ("Left ball",), seed)
    measure(on_validation, on_all)
    before = train.task.models.current.read_bytes()
    train({"max_epochs": 1, "val_split": 0.5}, datastore)
    assert (train.task.models.current.read_bytes() != before) == replaced


def test_two_validation_cases_are_too_few(train, datastore, submit, measure):
    for seed, image in enumerate("cdef"):
        write_volume(datastore.studies.folder / f"{image}.nii.gz", 2 + seed)
        submit(image, ("Left ball",), seed)
    measure((0.1, 0.9), (0.9, 0.1))
    assert train({"max_epochs": 1, "val_split": 0.5}, datastore)["current"] == "model.pt"


def test_it_starts_from_the_weights_that_are_asked_for(
    train, datastore, submit, monkeypatch, measure
):
    measure(None, (0.5, 0.5))
    submit("a")
    started = []
    monkeypatch.setattr(
        "lamina.label.training.load_weights", lambda network, path: started.append(path.name)
    )
    train({"max_epochs": 1, "model_filename": ["model.pt", "model_v1.pt"]}, datastore)
    train({"max_epochs": 1, "model_filename": "model_v1.pt"}, datastore)
    train({"max_epochs": 1, "pretrained": False}, datastore)
    assert started == ["model.pt", "model_v1.pt"]


def test_three_labels_are_enough_to_validate(train, datastore, submit, tmp_path):
    write_volume(datastore.studies.folder / "c.nii.gz", 2)
    for seed, image in enumerate("abc"):
        submit(image, ("Left ball",), seed)
    stats = train({"max_epochs": 1, "val_split": 0.3}, datastore)
    assert "val_dice" in stats["train"]
    cases = json.loads((train.task.runs / "cases.json").read_text())
    assert sorted(case["split"] for case in cases) == ["training", "training", "validation"]


def test_only_labels_of_the_task_count(train, datastore, submit):
    submit("a", ("NFL",))
    with pytest.raises(DataError, match="no label to train balls on\na: the label is another"):
        train({}, datastore)
    submit("b")
    train({"max_epochs": 1}, datastore)
    (case,) = json.loads((train.task.runs / "cases.json").read_text())
    assert case["patient"] == "b"


@pytest.mark.parametrize(
    "settings", [{"max_epochs": 0}, {"max_epochs": "many"}, {"val_split": 1}, {"val_split": -1}]
)
def test_settings_that_make_no_sense_are_refused(train, datastore, submit, settings):
    submit("a")
    with pytest.raises(ConfigError, match="max_epochs"):
        train(settings, datastore)


def test_unknown_weights_are_refused(train, datastore, submit):
    submit("a")
    with pytest.raises(UnknownNameError, match="known are model.pt"):
        train({"model_filename": "model_v7.pt"}, datastore)


def test_two_processes_do_not_train_one_task(train, datastore, submit):
    submit("a")
    with alone(train.task.runs, "a training runs"), pytest.raises(BusyError):
        train({"max_epochs": 1}, datastore)


def test_a_training_that_fails_leaves_the_old_model(train, datastore, submit, monkeypatch):
    submit("a")
    before = train.task.models.current.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lamina.label.work.shutil.copyfile", fail)
    with pytest.raises(Exception, match="No space left"):
        train({"max_epochs": 1}, datastore)
    assert train.task.models.names() == ["model.pt", "model_v1.pt"]
    assert train.task.models.current.read_bytes() == before


def test_a_finished_training_is_begun_anew_when_it_is_asked_for_again(train, datastore, submit):
    submit("a")
    assert train({"max_epochs": 1}, datastore)["version"] == "model_v2.pt"
    assert train({"max_epochs": 1}, datastore)["version"] == "model_v3.pt"


def test_what_was_trained_is_what_is_published(train, datastore, submit, measure):
    measure(None, (0.5, 0.6))
    submit("a")
    train({"max_epochs": 1}, datastore)
    published = torch.load(train.task.models.current, weights_only=True)
    trained = torch.load(train.task.runs / "model.pt", weights_only=True)
    assert all(torch.equal(published[name], trained[name]) for name in trained)


def test_before_the_first_training_there_are_no_stats(train):
    assert train.stats() == {}


def test_an_image_that_the_task_is_not_made_for_is_left_out_by_name(
    train, datastore, submit, tmp_path, caplog
):
    Image.fromarray(np.zeros((40, 30), np.uint8)).save(datastore.studies.folder / "photo.png")
    picture = tmp_path / "picture.png"
    Image.fromarray(np.ones((40, 30), np.uint8)).save(picture)
    datastore.save_label("photo", str(picture), FINAL, {"model": "balls"})
    with pytest.raises(DataError, match="photo: "):
        train({"max_epochs": 1}, datastore)
    submit("a")
    train({"max_epochs": 1}, datastore)
    assert "left out: photo" in caplog.text
