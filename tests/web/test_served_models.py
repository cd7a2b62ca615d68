import pickle
from dataclasses import replace

import pytest
import torch

from lamina.errors import ConfigError, WeightsError
from lamina.web.served_models import ServedModels
from lamina.web.settings import Settings

from .conftest import make_weights


@pytest.fixture
def models(settings):
    models = ServedModels(settings)
    models.start()
    return models


def test_the_task_that_is_served_is_the_default(models):
    assert models.get().task["name"] == "tiny"
    assert models.get("tiny") is models.get()
    listed = {task["name"]: task for task in models.list_tasks()}
    assert listed["tiny"]["is_default"]
    assert listed["tiny"]["has_model"]
    assert not listed["hippocampus_mr"]["is_default"]


def test_another_task_is_loaded_when_it_is_asked_for(models):
    assert models.get("hippocampus_mr").source.origin == "released model"


@pytest.mark.parametrize("name", ["none", "/etc/passwd", "../tiny", "configs/tasks/tiny.json"])
def test_a_name_that_is_not_listed_is_no_path(models, name):
    with pytest.raises(ConfigError, match=r"is not known\n  → known are .*tiny"):
        models.get(name)


def test_without_a_task_the_first_one_with_a_model_is_served(tmp_path):
    models = ServedModels(Settings())
    assert models.start().source.path.is_file()


def test_a_task_without_a_model_is_told_at_the_start(settings, tmp_path):
    with pytest.raises(WeightsError, match="there are no weights"):
        ServedModels(replace(settings, weights=None, run_dir=str(tmp_path))).start()


def test_uploaded_weights_are_used_until_they_are_reverted(models, tiny):
    first, hashed = models.get(), models.get().about["weights_hash"]
    uploaded = models.upload(None, tiny[2], "mine.pth", 10**7)
    assert models.get("tiny") is uploaded
    assert uploaded.about["weights_hash"] != hashed
    assert uploaded.describe()["origin"] == "uploaded"
    assert uploaded.describe()["weights"] == "mine.pth"
    assert models.revert("tiny") is first
    assert models.revert(None) is first


def test_a_checkpoint_of_a_run_does_too(models, tiny, tmp_path):
    state = torch.load(tiny[2], weights_only=True)
    torch.save({"network": state, "epoch": 3}, tmp_path / "last.pt")
    model = models.upload(None, tmp_path / "last.pt", "last.pt", 10**7)
    loaded = model._segmenters["volume"].network.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in state.items())


def test_weights_of_another_network_leave_the_old_model(models, tmp_path):
    before = models.get()
    wrong = make_weights(tmp_path / "wrong.pth", out_channels=5)
    with pytest.raises(WeightsError, match=r"\(5,\), expected \(4,\)"):
        models.upload(None, wrong, "wrong.pth", 10**7)
    assert models.get() is before


class Evil:
    """What would write a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize(
    "save", [torch.save, lambda one, path: path.write_bytes(pickle.dumps(one))]
)
def test_code_in_a_pickle_is_not_executed(models, tmp_path, save):
    before = models.get()
    save({"network": Evil(tmp_path / "was_here")}, tmp_path / "evil.pth")
    with pytest.raises(WeightsError, match="not a whole checkpoint of tensors"):
        models.upload(None, tmp_path / "evil.pth", "evil.pth", 10**7)
    assert not (tmp_path / "was_here").exists()
    assert models.get() is before
