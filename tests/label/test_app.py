import numpy as np
import pytest
from monailabel.config import settings
from tests.label.conftest import read, write_label, write_volume

from lamina.label.app import LaminaApp
from lamina.label.errors import UnknownNameError


@pytest.fixture
def app(work, tmp_path, monkeypatch):
    write_volume(tmp_path / "studies" / "a.nii.gz", 0)
    monkeypatch.setattr("lamina.label.app.speak_plainly", lambda: None)
    # As `lamina label` sets it for the server.
    monkeypatch.setattr(settings, "MONAI_LABEL_AUTO_UPDATE_SCORING", False)
    return LaminaApp(str(work.folder), str(tmp_path / "studies"), {})


def test_what_clients_are_told(app):
    info = app.info()
    assert info["labels"][:3] == ["Left ball", "Ball", "NFL"]
    assert list(info["models"]) == list(info["trainers"]) == ["balls", "layers"]
    assert set(info["strategies"]) == {"first", "random", "uncertainty_balls", "uncertainty_layers"}
    assert set(info["scoring"]) == {"dice", "uncertainty_balls", "uncertainty_layers"}
    assert info["unusable"] == []


def test_a_task_without_weights_is_unusable_until_it_is_trained(app):
    models = app.tasks["balls"].models
    for name in models.names():
        (models.folder / name).unlink()
    info = app.info()
    assert list(info["models"]) == ["layers"]
    assert info["unusable"] == [{"path": "balls", "reason": "no weights yet: label and train it"}]


def test_a_result_can_be_kept_with_its_names(app):
    answer = app.infer({"model": "balls", "image": "a", "save_label": True})
    values, names = app.datastore().labels.read("original", "a")
    np.testing.assert_array_equal(values, read(answer["file"]))
    assert names == {1: "Left ball", 2: "Ball"}


@pytest.mark.parametrize("save", [False, None, "false"])
def test_a_result_is_kept_only_where_that_is_asked_for(app, save):
    app.infer({"model": "balls", "image": "a", "save_label": save})
    assert app.datastore().labels.tags() == []


@pytest.mark.parametrize("image", ["", "c", "../studies/a", "/etc/passwd"])
def test_a_path_is_no_image(app, image):
    with pytest.raises(UnknownNameError):
        app.infer({"model": "balls", "image": image})


def test_an_uploaded_file_is_one_and_is_not_kept(app):
    path = app.work.folder / "uploads" / "sent.nii.gz"
    write_volume(path, 1)
    answer = app.infer({"model": "balls", "image": str(path), "save_label": True})
    assert read(answer["file"]).shape == (34, 46, 30)
    assert app.datastore().labels.tags() == []


def test_a_path_out_of_the_uploads_is_refused(app):
    sly = app.work.folder / "uploads" / ".." / "tasks.json"
    with pytest.raises(UnknownNameError):
        app.infer({"model": "balls", "image": str(sly)})


def test_a_batch_goes_on_where_an_image_fails(app, tmp_path):
    made = app.batch_infer({"model": "balls", "images": "all"})
    assert set(made) == {"a", "b"}
    assert app.datastore().labels.ids("original") == ["a", "b"]
    assert list((app.work.folder / "uploads").iterdir()) == []


def test_unknown_models_are_refused(app, tmp_path):
    with pytest.raises(UnknownNameError, match="known are balls, layers"):
        app.infer({"model": "liver", "image": "a"})


def test_one_scoring_at_a_time(app, monkeypatch):
    started = []
    monkeypatch.setattr(app, "async_scoring", started.append)
    monkeypatch.setattr("lamina.label.app.tasks", lambda _: [{"status": "RUNNING"}])
    app._start_scoring("uncertainty_balls")
    monkeypatch.setattr("lamina.label.app.tasks", lambda _: [{"status": "DONE"}])
    app._start_scoring("uncertainty_balls")
    assert started == ["uncertainty_balls"]


def test_the_next_sample_has_no_label(app, tmp_path):
    label = write_label(tmp_path / "label.nii.gz", np.ones((34, 46, 30)))
    app.datastore().save_label("a", label, "final", {"model": "balls"})
    assert app.next_sample({"strategy": "first"})["id"] == "b"
