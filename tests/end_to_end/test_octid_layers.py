"""From polygons to masks, training, layers as pictures, thickness and report, on small scans."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from lamina import cli
from lamina.phantoms.oct_annotations import write_oct_annotations
from lamina.tasks.catalogue import CHECKOUT


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A task with a small network, its raw material, and what training and prediction made."""
    folder = tmp_path_factory.mktemp("octid")
    task = json.loads((CHECKOUT / "configs" / "tasks" / "octid_layers.json").read_text())
    size = {"2": [32, 128]}
    network = task["network_def"] | {"channels": [8, 16, 16], "strides": [2, 2], "num_res_units": 0}
    task |= {"network_def": network, "strides": None, "patch_size": size, "window_size": size}
    (folder / "task.json").write_text(json.dumps(task | {"val_interval": 1}))
    made = write_oct_annotations(folder / "raw", cases=8, size=(40, 400), spacing=(60.0, 3.0))
    (folder / "study").mkdir()
    (made / "images").rename(folder / "study" / "images")
    words = ["annotations", "convert", made / "via_region_data.json"]
    words += ["--images", folder / "study" / "images", "--labels", folder / "task.json"]
    assert run(*words, "-o", folder / "study" / "masks") == 0
    common = [folder / "task.json", "--run-dir", folder / "run"]
    data = ["--dataset-dir", folder / "study"]
    assert run("train", *common, *data, "--epochs", 2, "--batch-size", 2) == 0
    assert run("evaluate", *common, *data) == 0
    scans = [folder / "study" / "images", "-o", folder / "out", "--pixel-size", "0.06,0.003"]
    assert run("predict", *common, *scans) == 0
    return folder


def run(*words):
    return cli.main([str(word) for word in words])


def test_drawn_masks_are_those_of_the_phantoms(study):
    for path in (study / "raw" / "masks").iterdir():
        drawn = np.asarray(Image.open(study / "study" / "masks" / path.name))
        np.testing.assert_array_equal(drawn, np.asarray(Image.open(path)))


def test_each_layer_is_a_picture_of_the_scan_s_size(study):
    mask = np.asarray(Image.open(study / "out" / "octid_003.png"))
    assert mask.shape == (400, 40)
    layers = sorted((study / "out" / "octid_003_structures").iterdir())
    assert len(layers) == 8
    total = sum(np.asarray(Image.open(path)) // 255 for path in layers)
    np.testing.assert_array_equal(total, mask > 0)


def test_thickness_stands_in_pixels_and_micrometres(study):
    with (study / "out" / "profiles" / "octid_003.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 40
    mask = np.asarray(Image.open(study / "out" / "octid_003.png"))
    for column, row in enumerate(rows):
        assert float(row["choroid_px"]) == (mask[:, column] == 8).sum()
        assert float(row["choroid_um"]) == pytest.approx(3 * float(row["choroid_px"]))


def test_errors_are_in_micrometres_where_the_size_of_a_pixel_is_given(study):
    words = ["--run-dir", study / "run", "--dataset-dir", study / "study"]
    sized = ["-o", study / "sized", "--pixel-size", "0.06,0.003"]
    assert run("evaluate", study / "task.json", *words, *sized) == 0
    pixels, micrometres = (
        json.loads((place / "summary.json").read_text())
        for place in (study / "run" / "evaluation", study / "sized")
    )
    assert pixels["units"]["thickness_error"] == "px"
    assert micrometres["units"]["thickness_error"] == "µm"
    error = pixels["mean"]["thickness_error"]
    assert micrometres["mean"]["thickness_error"] == pytest.approx(3 * error)
    assert micrometres["mean"]["dice"] == pixels["mean"]["dice"]
    page = (study / "sized" / "report.html").read_text()
    assert "as given: 0.06 × 0.003 mm" in page
    assert "do not say how large a pixel is" not in page
    assert "do not say how large a pixel is" in (study / "run/evaluation/report.html").read_text()


def test_a_size_of_a_pixel_that_is_none_is_refused_before_anything_runs(study, capsys):
    words = ["--run-dir", study / "run", "--dataset-dir", study / "study", "--pixel-size", "0.06"]
    assert run("evaluate", study / "task.json", *words, "-o", study / "none") == 1
    assert "expected a width and a height in mm" in capsys.readouterr().err
    assert not (study / "none").exists()


def test_curves_of_loss_and_accuracy(study):
    history = json.loads((study / "run" / "history.json").read_text())
    assert {"loss", "val_iou", "val_accuracy"} <= set(history[-1])
    assert "val_accuracy" in (study / "run" / "evaluation" / "report.html").read_text()
