import pytest

from lamina.errors import WeightsError, WriteError
from lamina.label.errors import UnknownNameError
from lamina.label.models import Models


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

    monkeypatch.setattr("lamina.label.models.shutil.copyfile", full)
    with pytest.raises(WriteError, match="No space left"):
        publish(models, tmp_path, "second")
    assert models.names() == ["model.pt", "model_v1.pt"]
    assert models.file("model.pt").read_text() == "first"
