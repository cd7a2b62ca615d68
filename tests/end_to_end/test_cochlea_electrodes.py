"""Electrode arrays from the scanner's files to masks on the original slices."""

import json

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from lamina.cli import main
from lamina.phantoms import write_cochlea_patients
from lamina.tasks.catalogue import CHECKOUT

PHANTOMS = {"patients": 4, "shape": [52, 56, 60], "spacing": 0.6}


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cochlea")
    content = json.loads((CHECKOUT / "configs/tasks/cochlea_electrodes.json").read_text())
    content["phantoms"] |= PHANTOMS | {"folder": str(folder / "data")}
    content["network_def"] |= {"channels": [4, 8], "strides": [2], "num_res_units": 0}
    for step in content["preprocessing"]:
        if step["_target_"].endswith("ResizeInPlaned"):
            step["size"] = 64
    sizes = {"2": [64, 64], "3": [32, 32, 32]}
    content |= {"patch_size": sizes, "window_size": sizes, "patches_per_case": 1, "batch_size": 4}
    content |= {"epochs": 1, "val_interval": 1, "spacing": {"2": None, "3": [0.8, 0.8, 0.8]}}
    path = folder / "small.json"
    path.write_text(json.dumps(content))
    return path


@pytest.fixture(scope="module")
def run(task):
    assert main(["train", str(task), "--run-dir", str(task.parent / "run")]) == 0
    return ["--run-dir", str(task.parent / "run")]


def test_no_patient_is_in_two_parts(task, run):
    splits = json.loads((task.parent / "run" / "splits.json").read_text())
    patients = [{case["patient"] for case in splits[name]} for name in splits]
    assert sum(map(len, patients)) == len(set.union(*patients)) == 4


def test_masks_lie_on_the_original_slices(task, run, tmp_path):
    images = task.parent / "data" / "slices" / "images"
    assert main(["predict", str(task), str(images), *run, "-o", str(tmp_path)]) == 0
    for path in images.iterdir():
        assert Image.open(tmp_path / path.name).size == Image.open(path).size
    assert main(["evaluate", str(task), *run, "--split", "all"]) == 0


def test_a_coronal_series_gets_labels_and_dicom_seg_on_its_own_grid(task, run, tmp_path):
    raw = task.parent / "data" / "raw" / "P02"
    assert (
        main(["predict", str(task), str(raw), "--plane", "coronal", *run, "-o", str(tmp_path)]) == 0
    )
    made = nib.load(next(tmp_path.glob("*.nii.gz")))
    truth = nib.load(task.parent / "data" / "volumes" / "labels" / "P02.nii.gz")
    assert made.shape == truth.shape
    np.testing.assert_allclose(made.affine, truth.affine, atol=1e-3)
    assert len(list(tmp_path.glob("*.seg.dcm"))) == 1


def test_the_volumes_train_in_3d(task, tmp_path):
    run = ["--run-dir", str(tmp_path / "run3"), "--spatial-dims", "3"]
    assert main(["train", str(task), *run]) == 0
    assert main(["evaluate", str(task), *run, "--split", "all"]) == 0
    summary = json.loads((tmp_path / "run3" / "evaluation" / "summary.json").read_text())
    assert len(summary["cases"]) == 4


def test_phantoms_are_the_tasks_own(task, run):
    part = write_cochlea_patients(task.parent / "data", seed=0, part="volumes", **PHANTOMS)
    assert (part / "cases.csv").is_file()
