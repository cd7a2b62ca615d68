import csv
import json
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
import torch

from lamina.cli import main
from lamina.locks import locked


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two folds of a task that `lamina plan` wrote, trained for an epoch each."""
    root = tmp_path_factory.mktemp("folds")
    rng = np.random.default_rng(0)
    for index in range(10):
        label = np.zeros((16, 20, 12), np.uint8)
        label[4:12, 6:14, 3:9] = 1
        image = rng.random(label.shape).astype(np.float32) + label
        for name, values in (("imagesTr", image), ("labelsTr", label)):
            (root / "data" / name).mkdir(parents=True, exist_ok=True)
            nib.Nifti1Image(values, np.diag([-1.0, 1.0, 2.0, 1.0])).to_filename(
                root / "data" / name / f"c{index}.nii.gz"
            )
    task = root / "mine.json"
    assert main(["plan", str(root / "data"), "-o", str(task), "--budget-minutes", "0.01"]) == 0
    line = ["train", str(task), "--dataset-dir", str(root / "data"), "--run-dir", str(root / "run")]
    line += ["--folds", "2", "--epochs", "1", "--test-count", "2"]
    assert main(line) == 0
    return root, line


def test_each_case_outside_the_test_set_is_measured_once(trained):
    root, _ = trained
    splits = [json.loads((root / "run" / f"fold_{k}" / "splits.json").read_text()) for k in (0, 1)]
    tests = [{case["name"] for case in one["test"]} for one in splits]
    assert tests[0] == tests[1]
    assert len(tests[0]) == 2
    rows = (root / "run" / "out_of_fold" / "cases.csv").read_text().splitlines()[1:]
    measured = sorted(row.split(",")[1] for row in rows)
    assert measured == sorted({f"c{i}" for i in range(10)} - tests[0])


def test_the_folds_are_averaged_on_the_test_set(trained, capfd):
    root, _ = trained
    line = [str(root / "mine.json"), "--dataset-dir", str(root / "data")]
    assert main(["evaluate", *line, "--run-dir", str(root / "run")]) == 0
    assert "2 folds in" in capfd.readouterr().err
    summary = json.loads((root / "run" / "evaluation" / "summary.json").read_text())
    assert len(summary["cases"]) == 2


def test_the_same_command_trains_nothing_twice(trained, capfd):
    root, line = trained
    times = [(root / "run" / f"fold_{k}" / "model.pt").stat().st_mtime_ns for k in (0, 1)]
    assert main(line) == 0
    again = [(root / "run" / f"fold_{k}" / "model.pt").stat().st_mtime_ns for k in (0, 1)]
    assert again == times
    weights = [
        torch.load(root / "run" / f"fold_{k}" / "model.pt", weights_only=True) for k in (0, 1)
    ]
    first = next(iter(weights[0]))
    assert not torch.equal(weights[0][first], weights[1][first])


def test_a_fold_that_fails_is_named(trained, capfd):
    root, line = trained
    assert main([*line, "--batch-size", "0", "--run-dir", str(root / "other")]) == 1
    assert "fold 0 ended with status 1" in capfd.readouterr().err
    assert main([*line, "--folds", "1"]) == 1
    assert "write at least 2" in capfd.readouterr().err


def test_post_processing_is_chosen_on_what_the_folds_had_not_seen(trained, capfd):
    """From the label maps that the evaluations kept: no network runs again."""
    root, line = trained
    chosen = root / "run" / "postprocessing.json"
    before = json.loads(chosen.read_text())
    assert "8 out-of-fold cases" in before["_desc_postprocessing"]
    chosen.unlink()
    capfd.readouterr()
    assert main(line) == 0
    assert json.loads(chosen.read_text()) == before
    assert "post-processing chosen on 8" in capfd.readouterr().out


def test_predictions_use_what_was_chosen(trained, tmp_path):
    root, _ = trained
    step = {"_target_": "lamina.transforms.RemoveSmallPartsd", "keys": "pred"}
    everything = step | {"applied_labels": [1], "smallest": 1e9}
    chosen = root / "run" / "postprocessing.json"
    before = chosen.read_text()
    line = ["predict", str(root / "mine.json"), str(root / "data" / "imagesTr")]
    line += ["--run-dir", str(root / "run"), "-o", str(tmp_path)]
    try:
        chosen.write_text(json.dumps({"postprocessing": [everything]}))
        assert main(line) == 0
    finally:
        chosen.write_text(before)
    masks = [nib.load(path).get_fdata() for path in tmp_path.glob("*.nii.gz")]
    assert len(masks) == 10
    assert not any(mask.any() for mask in masks)


def test_uncertainty_comes_as_a_map_and_a_number(trained, tmp_path, capfd):
    root, _ = trained
    line = ["predict", str(root / "mine.json"), str(root / "data" / "imagesTr")]
    line += ["--run-dir", str(root / "run"), "--tta", "mirror", "--uncertainty"]
    assert main([*line, "-o", str(tmp_path)]) == 0
    assert "2 mirror images (x)" in capfd.readouterr().err
    records = json.loads((tmp_path / "manifest.json").read_text())["cases"]
    with (tmp_path / "uncertainty.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    numbers = sorted((record["uncertainty"] for record in records), reverse=True)
    assert [float(row["uncertainty"]) for row in rows] == numbers
    assert 0 < numbers[-1] < numbers[0] < 1
    for record in records:
        mask, doubt = (nib.load(tmp_path / name) for name in record["outputs"][:2])
        assert doubt.shape == mask.shape == (16, 20, 12)
        np.testing.assert_array_equal(doubt.affine, mask.affine)
        assert 0 <= doubt.get_fdata().min() < doubt.get_fdata().max() <= 1


def test_one_network_alone_is_never_uncertain(trained, tmp_path, capfd):
    root, _ = trained
    line = ["predict", str(root / "mine.json"), str(root / "data" / "imagesTr")]
    line += ["--run-dir", str(root / "run" / "fold_0"), "--uncertainty", "-o", str(tmp_path)]
    assert main(line) == 1
    assert "add --tta mirror" in capfd.readouterr().err
    assert not list(tmp_path.glob("*.nii.gz"))


def test_the_report_of_several_networks_shows_uncertainty(trained, tmp_path):
    root, _ = trained
    line = ["evaluate", str(root / "mine.json"), "--dataset-dir", str(root / "data")]
    line += ["--run-dir", str(root / "run"), "--split", "training", "-o", str(tmp_path)]
    assert main(line) == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["uncertainty"] == {"metric": "dice", "n": 8, "rho": None, "p": None}
    assert all(0 < case["uncertainty"] < 1 for case in summary["cases"])
    assert "cannot be said of 8 cases" in (tmp_path / "report.html").read_text()


def test_a_fold_that_another_process_has_is_left_to_it(trained, capfd):
    root, line = trained
    (root / "run" / "fold_1" / "evaluation" / "cases.csv").unlink()
    (root / "run" / "out_of_fold" / "cases.csv").unlink()
    with locked(root / "run" / ".fold_1.lock"):
        assert main(line) == 0
    told = capfd.readouterr().out
    assert "fold 1: another process has it" in told
    assert "not finished: fold 1; whoever finishes the last one writes the table" in told
    assert not (root / "run" / "out_of_fold" / "cases.csv").exists()
    assert main([*line, "--fold", "1"]) == 0
    assert (root / "run" / "out_of_fold" / "cases.csv").is_file()


def test_one_fold_alone(trained, tmp_path, capfd):
    _, line = trained
    one = [str(tmp_path) if word.endswith("run") else word for word in line]
    assert main([*one, "--fold", "1"]) == 0
    assert (tmp_path / "fold_1" / "evaluation" / "cases.csv").is_file()
    assert not (tmp_path / "fold_0").exists()
    assert not (tmp_path / "out_of_fold").exists()
    assert "not finished: fold 0" in capfd.readouterr().out


def test_processes_of_torchrun_share_the_folds(trained, tmp_path):
    _, line = trained
    both = [str(tmp_path) if word.endswith("run") else word for word in line]
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    done = subprocess.run(
        [*start, "-m", "lamina.cli", *both], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "out_of_fold" / "cases.csv").is_file()
    for index in (0, 1):
        assert done.stdout.count(f"fold {index} of 2: ") == 1
        log = (tmp_path / f"fold_{index}" / "train.log").read_text()
        assert log.count("epoch 1, loss") == 1
