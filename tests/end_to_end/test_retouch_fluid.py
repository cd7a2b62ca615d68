"""Fluid in OCT from the challenge's folders to volumes in mm³ and the presence in each slice."""

import csv
import json

import nibabel as nib
import numpy as np
import pytest

from lamina.cli import main
from lamina.tasks.catalogue import CHECKOUT


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    folder = tmp_path_factory.mktemp("retouch")
    content = json.loads((CHECKOUT / "configs/tasks/retouch_fluid.json").read_text())
    small = {"folder": str(folder / "data"), "cases": 3, "columns": 32, "slices": 3, "fluid": 5.0}
    content["phantoms"] |= small
    content["network_def"] |= {"channels": [4, 8], "strides": [2], "num_res_units": 0}
    content |= {"patch_size": {"2": [16, 64]}, "window_size": {"2": [32, 128]}}
    content |= {"patches_per_case": 2, "batch_size": 4, "epochs": 1, "val_interval": 1}
    path = folder / "small.json"
    path.write_text(json.dumps(content))
    return path


@pytest.fixture(scope="module")
def run(task):
    assert main(["train", str(task), "--trust", "--run-dir", str(task.parent / "run")]) == 0
    return ["--run-dir", str(task.parent / "run")]


def test_the_test_cases_are_those_that_were_put_aside(task, run):
    splits = json.loads((task.parent / "run" / "splits.json").read_text())
    assert len(splits["test"]) == 3
    assert len(splits["training"]) + len(splits["validation"]) == 6


def test_f_score_average_precision_and_iou_are_measured(task, run):
    assert main(["evaluate", str(task), *run]) == 0
    summary = json.loads((task.parent / "run" / "evaluation" / "summary.json").read_text())
    text = json.dumps(summary)
    assert all(f'"{name}"' in text for name in ("f1", "average_precision", "iou", "IRF", "PED"))


def test_new_volumes_from_raw_to_mm3_and_presence(task, run, tmp_path):
    data = task.parent / "data"
    reference = ["--reference", str(data / "prepared" / "reference.json")]
    out = tmp_path / "out"
    assert main(["prepare", "retouch", str(data / "raw" / "Topcon"), str(out), *reference]) == 0
    masks = tmp_path / "masks"
    assert main(["predict", str(task), str(out / "images"), *run, "-o", str(masks)]) == 0
    with (masks / "measurements.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 3
    for row in rows:
        image = nib.load(masks / f"{row['case']}.nii.gz")
        label = np.asarray(image.dataobj)
        volume = (label == int(row["value"])).sum() * abs(np.linalg.det(image.affine[:3, :3]))
        assert float(row["volume_mm3"]) == pytest.approx(volume, rel=1e-4)
        with (masks / "presence" / f"{row['case']}.csv").open() as file:
            presence = [int(line[row["structure"]]) for line in csv.DictReader(file)]
        assert (
            presence == ((label == int(row["value"])).sum(axis=(0, 1)) >= 20).astype(int).tolist()
        )
