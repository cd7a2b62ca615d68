"""Two tasks whose networks are thresholds: what comes out is known to the pixel."""

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image

from lamina import cli
from lamina.tasks.catalogue import CHECKOUT

SIZE = (48, 40)


def write_task(folder, name, label, slope):
    """A task that finds what is darker (slope < 0) or brighter than the mean by a deviation."""
    task = json.loads((CHECKOUT / "configs" / "tasks" / "lung_cxr.json").read_text())
    labels = [task["labels"][0], {"value": 1, "name": label, "color": [0, 90, 255]}]
    network = {"_target_": "torch.nn.Conv2d", "in_channels": 1, "out_channels": 2, "kernel_size": 1}
    task |= {"name": name, "labels": labels, "label_values": None, "network_def": network}
    task |= {"phantoms": None, "strides": None, "window_size": {"2": SIZE}}
    task |= {"patch_size": {"2": SIZE}}
    steps = task["preprocessing"]
    task["preprocessing"] = [one for one in steps if "Percentiles" not in one["_target_"]]
    (folder / f"{name}.json").write_text(json.dumps(task))
    weights = {"weight": torch.tensor([0.0, slope]).reshape(2, 1, 1, 1)}
    torch.save(weights | {"bias": torch.tensor([0.5, 0.0])}, folder / f"{name}.pt")


@pytest.fixture
def study(tmp_path):
    """Two dark lungs with a bright spot in one of them, and one spot outside."""
    image = np.full(SIZE, 150, np.uint8)
    image[5:20, 8:32] = image[28:44, 8:32] = 20
    image[10:14, 12:16] = 40  # a spot that is still darker than the body
    image[23:25, 2:6] = 250
    (tmp_path / "scans").mkdir()
    Image.fromarray(image.T).save(tmp_path / "scans" / "a.png")
    write_task(tmp_path, "dark", "lungs", -1.0)
    write_task(tmp_path, "bright", "spot", 1.0)
    return tmp_path


def predict(study, *more):
    return cli.main(
        ["predict", str(study / "dark.json"), str(study / "scans"), "--backend", "torch"]
        + ["--weights", str(study / "dark.pt"), "--then", str(study / "bright.json")]
        + ["--then-weights", str(study / "bright.pt"), "-o", str(study / "out"), *more]
    )


def mask(path):
    return np.array(Image.open(path)).T


def test_the_second_task_looks_only_within_what_the_first_found(study):
    assert predict(study) == 0
    lungs, spots = mask(study / "out/dark/a.png"), mask(study / "out/bright/a.png")
    assert lungs[6:19, 9:31].all()
    assert lungs[29:43, 9:31].all()
    assert not lungs[:, :6].any()
    assert spots.shape == SIZE
    assert spots[11:13, 13:15].all()
    spots[9:15, 11:17] = 0
    assert not spots.any()


def test_each_lung_is_measured(study):
    predict(study, "--pixel-size", "0.5,0.5")
    with (study / "out" / "affected.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["structure"], row["part"], row["finding"]) for row in rows] == [
        ("lungs", "1", "spot"),
        ("lungs", "2", "spot"),
    ]
    assert float(rows[0]["area_mm2"]) == pytest.approx(15 * 24 / 4, rel=0.1)
    lung, spots = mask(study / "out/dark/a.png")[:24], mask(study / "out/bright/a.png")[:24]
    share = (lung & spots).sum() / lung.sum()
    assert 0.02 < share < 0.12
    assert float(rows[0]["fraction"]) == pytest.approx(share, rel=1e-4)
    assert float(rows[1]["fraction"]) == 0


def test_a_picture_without_lungs_fails_alone(study, capsys):
    Image.new("L", SIZE, 90).save(study / "scans" / "empty.png")
    assert predict(study) == 1
    said = capsys.readouterr().err
    assert "empty" in said
    assert "the region is empty: the task before found nothing in this image" in said
    assert (study / "out/bright/a.png").is_file()
    assert (study / "out/affected.csv").is_file()


def test_another_region_is_another_result(study):
    predict(study)
    lungs = study / "out" / "dark" / "a.png"
    before = (study / "out/bright/a.png").stat().st_mtime_ns
    predict(study)
    assert (study / "out/bright/a.png").stat().st_mtime_ns == before
    picture = study / "scans" / "a.png"
    changed = np.array(Image.open(picture))
    changed[8:20, 28:44] = 150
    Image.fromarray(changed).save(picture)
    predict(study)
    assert not mask(lungs)[30:42, 10:18].any()


def test_the_same_task_twice_is_refused(study, capsys):
    words = [str(study / "dark.json"), str(study / "scans"), "--then", str(study / "dark.json")]
    assert cli.main(["predict", *words]) == 1
    assert "the same task twice" in capsys.readouterr().err


def test_images_must_be_given(study, capsys):
    words = ["predict", str(study / "dark.json"), "--then", str(study / "bright.json")]
    assert cli.main(words) == 1
    assert "--then: no images were given" in capsys.readouterr().err
