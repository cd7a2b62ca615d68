import json

import nibabel as nib
import numpy as np
import pytest
import torch

from lamina.cli import main


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
