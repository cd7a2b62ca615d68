"""What is unusual but allowed: it works, or says what to do."""

import colorsys
import json

import numpy as np
import pytest
from PIL import Image

from lamina.cli import main
from lamina.readers.images import read_label


def colour(value):
    parts = colorsys.hsv_to_rgb(value * 0.381966 % 1, 0.5 + 0.5 * (value % 2), 0.9)
    return [round(255 * part) for part in parts]


def labels(classes):
    named = [{"value": v, "name": f"part {v}", "color": colour(v)} for v in range(1, classes + 1)]
    return [{"value": 0, "name": "background", "color": [0, 0, 0]}, *named]


def write_pictures(folder, count=8, size=(30, 20), classes=1):
    """Pictures (columns, rows) whose grey is the class, in a grid of rectangles, with noise."""
    rng = np.random.default_rng(0)
    side = int(np.ceil(np.sqrt(classes + 1)))
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(count):
        x, y = (np.arange(n) * side // n for n in size)
        mask = (x[:, None] + side * y[None, :]) % (classes + 1)
        noise = rng.integers(0, 20, size)
        grey = (mask * (200 // classes) + noise).clip(0, 255).astype(np.uint8)
        Image.fromarray(grey.T).save(folder / "images" / f"p{number}.png")
        Image.fromarray(mask.T.astype(np.uint8)).save(folder / "masks" / f"p{number}.png")
    return folder


@pytest.fixture
def start(small_task, tmp_path):
    """Return what every command is given, for a task and pictures of these extremes."""

    def make(classes=1, task=None, **pictures):
        settings = {"labels": labels(classes), "spatial_dims": 2, "batch_size": 2}
        settings |= {"patch_size": {"2": [16, 16]}, "window_size": {"2": [16, 16]}}
        settings |= {"measure": {"_target_": "lamina.metrics.MeasureSettings"}}
        file = small_task(tmp_path, **settings | (task or {}))
        data = write_pictures(tmp_path / "data", classes=classes, **pictures)
        return [str(file), "--dataset-dir", str(data), "--run-dir", str(tmp_path / "run")]

    return make


def history(tmp_path):
    return json.loads((tmp_path / "run" / "history.json").read_text())


def predict_all(common, tmp_path):
    """Segment every picture; return each mask, which must be as large as its picture."""
    images = tmp_path / "data" / "images"
    run = [common[0], *common[3:]]
    assert main(["predict", *run, str(images), "-o", str(tmp_path / "masks")]) == 0
    made = {}
    for path in sorted(images.iterdir()):
        made[path.stem] = read_label(tmp_path / "masks" / path.name)[0]
        assert made[path.stem].shape == Image.open(path).size
    return made


def refused(capsys, *words):
    assert main([str(word) for word in words]) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert "→" in said
    return said


def test_an_early_stopping_that_trips(start, tmp_path):
    network = {"_target_": "UNet", "spatial_dims": 2, "in_channels": 1, "out_channels": 2}
    # Running means would change the metric, however small the learning rate.
    network |= {"channels": [4, 8], "strides": [2], "norm": "instance"}
    common = start(task={"network_def": network})
    stop = ["--patience", "2", "--lr", "1e-12", "--epochs", "12"]
    assert main(["train", *common, *stop]) == 0
    assert 3 <= len(history(tmp_path)) < 12
    assert (tmp_path / "run" / "model.pt").is_file()
    predict_all(common, tmp_path)
    assert main(["evaluate", *common, "--split", "all"]) == 0


def test_a_last_batch_of_one_whose_last_layer_is_one_pixel(start, capsys):
    common = start(count=9, task={"patches_per_case": 1, "patch_size": {"2": [4, 4]}})
    said = refused(capsys, "train", *common, "--batch-size", "2", "--epochs", "1")
    assert "batches of at least 2 (the last of an epoch too)" in said


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_a_batch_of_one(start, tmp_path, norm):
    network = {"_target_": "UNet", "spatial_dims": 2, "in_channels": 1, "out_channels": 2}
    network |= {"channels": [4, 8, 16], "strides": [2, 2], "norm": norm}
    common = start(task={"network_def": network})
    assert main(["train", *common, "--batch-size", "1", "--epochs", "1"]) == 0
    assert np.isfinite(history(tmp_path)[0]["loss"])


def test_a_batch_of_one_whose_last_layer_is_one_pixel(start, capsys):
    """Batch norm has nothing to average there, which torch refuses."""
    common = start(task={"patch_size": {"2": [4, 4]}})
    said = refused(capsys, "train", *common, "--batch-size", "1", "--epochs", "1")
    assert "batch_size" in said
    assert "patch_size" in said


def test_a_last_batch_of_one(start, tmp_path):
    common = start(count=9, task={"patches_per_case": 1})
    assert main(["train", *common, "--batch-size", "4", "--epochs", "1"]) == 0
    assert np.isfinite(history(tmp_path)[0]["loss"])


@pytest.mark.parametrize("size", [(5, 7), (2, 9)])
def test_images_smaller_than_the_networks_minimum(start, tmp_path, size):
    common = start(size=size)
    assert main(["train", *common, "--epochs", "1"]) == 0
    assert {mask.shape for mask in predict_all(common, tmp_path).values()} == {size}
    assert main(["evaluate", *common, "--split", "all"]) == 0


def test_a_patch_smaller_than_the_networks_minimum(start, capsys):
    said = refused(capsys, "train", *start(), "--patch-size", "3,5")
    assert "patch_size: 3 × 5" in said
    assert "would do" in said


def test_one_class_is_learned(start, tmp_path):
    common = start(count=12)
    assert main(["train", *common, "--epochs", "12", "--lr", "0.03"]) == 0
    assert main(["evaluate", *common]) == 0
    summary = json.loads((tmp_path / "run" / "evaluation" / "summary.json").read_text())
    assert summary["mean"]["dice"] > 0.7


def test_no_class_is_refused(start, capsys):
    common = start(task={"labels": labels(0)})
    assert "label" in refused(capsys, "train", *common)


def test_two_images(start, tmp_path):
    common = start(count=2)
    assert main(["train", *common, "--epochs", "1"]) == 0
    predict_all(common, tmp_path)
    assert main(["evaluate", *common, "--split", "all"]) == 0


def test_one_image_trains_and_nothing_measures_it(start, capfd):
    assert main(["train", *start(count=1), "--epochs", "1"]) == 0
    assert "validation set is empty" in "".join(capfd.readouterr())


def test_117_classes(start, tmp_path):
    common = start(classes=117, size=(44, 40), count=6)
    assert main(["train", *common, "--epochs", "1"]) == 0
    masks = predict_all(common, tmp_path)
    assert max(int(mask.max()) for mask in masks.values()) <= 117
    assert main(["evaluate", *common, "--split", "all"]) == 0
    summary = json.loads((tmp_path / "run" / "evaluation" / "summary.json").read_text())
    assert len(summary["classes"]) == 117


def test_a_word_that_is_no_loss_is_named_before_anything_is_written(start, tmp_path, capsys):
    said = refused(capsys, "train", *start(), "--loss", "dise", "--epochs", "1")
    assert "loss: 'dise' is not known" in said
    assert not (tmp_path / "run").exists()
