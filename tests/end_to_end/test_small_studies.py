"""What studies really have: two pictures, one class, a hundred classes, tiny images, batches of one."""

import json

import numpy as np
import pytest
from PIL import Image

from lamina import cli
from lamina.tasks.catalogue import CHECKOUT

SIZE = (32, 24)


def write_task(folder, classes=1):
    """The lung task with a tiny network, without resizing, for so many classes."""
    task = json.loads((CHECKOUT / "configs" / "tasks" / "lung_cxr.json").read_text())
    network = task["network_def"] | {"channels": [4, 8, 8], "strides": [2, 2], "num_res_units": 0}
    labels = [{"value": 0, "name": "background", "color": [0, 0, 0]}]
    labels += [
        {"value": value, "name": f"structure {value}", "color": [value, 255 - value, 90]}
        for value in range(1, classes + 1)
    ]
    task |= {"name": "tiny", "labels": labels, "label_values": None, "network_def": network}
    task |= {"patch_size": {"2": SIZE}, "window_size": {"2": SIZE}, "strides": None}
    network["norm"] = "instance"  # else the metric would move with the running statistics alone
    task |= {"phantoms": None, "val_interval": 1, "loss": "dice_ce"}
    steps = task["preprocessing"]
    task["preprocessing"] = [one for one in steps if one["_target_"] != "Resized"]
    path = folder / "tiny.json"
    path.write_text(json.dumps(task))
    return path


def write_study(folder, pictures, classes=1, size=SIZE):
    rng = np.random.default_rng(0)
    for number in range(pictures):
        mask = rng.integers(0, classes + 1, size).astype(np.uint8)
        noise = rng.integers(0, 20, size)
        parts = {"images": (mask * (200 // classes) + noise).astype(np.uint8), "masks": mask}
        for part, values in parts.items():
            (folder / part).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values.T).save(folder / part / f"p{number:02d}.png")
    return folder


@pytest.fixture
def train(tmp_path):
    def run(*more, pictures=8, classes=1, size=SIZE, epochs=2):
        task = write_task(tmp_path, classes)
        study = write_study(tmp_path / "study", pictures, classes, size)
        words = [task, "--dataset-dir", study, "--run-dir", tmp_path / "run", "--epochs", epochs]
        return cli.main(["train", *(str(word) for word in (*words, *more))])

    return run


def test_two_pictures_train(train, tmp_path):
    assert train(pictures=2) == 0
    assert (tmp_path / "run" / "model.pt").is_file()


def test_a_batch_of_one(train, tmp_path):
    assert train("--batch-size", 1, "--loss", "bce", pictures=3) == 0
    assert (tmp_path / "run" / "model.pt").is_file()


def test_many_classes(train, tmp_path):
    assert train(pictures=3, classes=117, epochs=1) == 0
    history = json.loads((tmp_path / "run" / "history.json").read_text())
    assert np.isfinite(history[-1]["loss"])


def test_pictures_smaller_than_the_network_s_patch(train, tmp_path):
    assert train(pictures=4, size=(7, 5)) == 0
    task, run = tmp_path / "tiny.json", tmp_path / "run"
    words = [
        "predict",
        task,
        tmp_path / "study" / "images",
        "--run-dir",
        run,
        "-o",
        tmp_path / "out",
    ]
    assert cli.main([str(word) for word in words]) == 0
    assert Image.open(tmp_path / "out" / "p00.png").size == (7, 5)


def test_an_early_stop(train, tmp_path):
    assert train("--patience", 1, "--lr", 1e-9, epochs=12) == 0
    history = json.loads((tmp_path / "run" / "history.json").read_text())
    assert len(history) < 12
    assert (tmp_path / "run" / "model.pt").is_file()


def test_a_word_that_is_no_loss_is_named_before_anything_is_written(train, tmp_path, capsys):
    assert train("--loss", "dise") == 1
    assert "loss: 'dise' is not known" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
