"""Electrode arrays from the scanner's files to masks on the original slices."""

import csv
import json

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from skimage.measure import approximate_polygon, find_contours

from lamina.cli import main
from lamina.phantoms.cochlea import write_cochlea_patients
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
    content |= {"epochs": 1, "val_interval": 1, "spacing": {"2": None, "3": [1.2, 1.2, 1.2]}}
    path = folder / "small.json"
    path.write_text(json.dumps(content))
    return path


@pytest.fixture(scope="module")
def run(task):
    assert main(["train", str(task), "--trust", "--run-dir", str(task.parent / "run")]) == 0
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


def draw(mask, picture):
    """Write what an annotator draws with labelme around a mask (rows, columns)."""
    outlines = find_contours(np.pad(mask, 1).astype(float), 0.5)
    shapes = [
        {
            "label": "electrode array",
            "shape_type": "polygon",
            "points": (approximate_polygon(line, 0.3)[:-1, ::-1] - 0.5).tolist(),
            "group_id": None,
            "flags": {},
        }
        for line in outlines
        if len(line) > 8
    ]
    drawn = {"version": "5.5.0", "flags": {}, "shapes": shapes, "imageData": None}
    drawn |= {"imagePath": picture.name, "imageHeight": len(mask), "imageWidth": len(mask[0])}
    picture.with_suffix(".json").write_text(json.dumps(drawn))


def test_from_scanner_to_report_by_the_commands_of_the_page(task, tmp_path):
    data = write_cochlea_patients(task.parent / "data", seed=0, **PHANTOMS).parent
    mine = tmp_path / "mine"
    coronal, sheets = str(tmp_path / "coronal"), tmp_path / "sheets"
    assert main(["dicom", "select", str(data / "raw"), coronal, "--plane", "coronal"]) == 0
    assert main(["dicom", "sheet", coronal, str(sheets)]) == 0
    with (sheets / "slices.csv").open() as file:
        rows = list(csv.DictReader(file))
    truth = {path.stem: path for path in (data / "slices" / "masks").iterdir()}
    names = {}
    for row in rows:
        # The file's name begins with the folder that it lay in: P01_IM0123.
        clear = f"{row['file'].split('/')[-1][:3]}_coronal_{int(row['slice']):03d}"
        row["keep"] = "x" if clear in truth else ""
        names[f"{row['patient']}_{row['series']}_{int(row['slice']):03d}"] = clear
    with (sheets / "slices.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert main(["dicom", "keep", str(sheets / "slices.csv"), str(mine)]) == 0
    pictures = sorted((mine / "images").iterdir())
    assert len(pictures) == len(truth)
    for picture in pictures:
        same = data / "slices" / "images" / f"{names[picture.stem]}.png"
        np.testing.assert_array_equal(np.asarray(Image.open(picture)), np.asarray(Image.open(same)))
        draw(np.asarray(Image.open(truth[names[picture.stem]])) > 0, picture)
    drawn = [str(mine / "images"), "--images", str(mine / "images"), "--labels", str(task)]
    assert main(["annotations", "convert", *drawn, "-o", str(mine / "masks")]) == 0
    made, known = (
        np.concatenate([np.asarray(Image.open(path)).ravel() > 0 for path in paths])
        for paths in (
            [mine / "masks" / picture.name for picture in pictures],
            [truth[names[picture.stem]] for picture in pictures],
        )
    )
    assert 2 * (made & known).sum() / (made.sum() + known.sum()) > 0.9
    run = ["--dataset-dir", str(mine), "--run-dir", str(tmp_path / "run")]
    assert main(["train", str(task), *run, "--patience", "6"]) == 0
    assert main(["evaluate", str(task), *run, "--split", "all"]) == 0
    assert (tmp_path / "run" / "evaluation" / "report.html").is_file()
