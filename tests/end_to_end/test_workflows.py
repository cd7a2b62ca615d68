import json

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from lamina.cli import main
from lamina.files import load_checkpoint

FLIPPED = np.array(
    [[-0.02, 0.003, 0.0, 30.0], [0.002, -0.004, 0.01, -12.0], [0.0, 0.001, 0.12, 7.0], [0, 0, 0, 1]]
)


def test_a_run_leaves_what_the_readme_says(trained):
    _, run, _ = trained
    names = {path.name for path in run.iterdir()}
    assert {"model.pt", "last.pt", "best.pt", "history.json", "run.json", "splits.json"} <= names
    assert {"train.log", "tensorboard"} <= names
    assert [row["epoch"] for row in json.loads((run / "history.json").read_text())] == [1, 2]
    assert "epoch 2" in (run / "train.log").read_text()
    assert not [name for name in names if name.startswith(".")]


def test_a_finished_run_is_not_trained_again(trained, dataset, capsys):
    _, run, common = trained
    before = (run / "model.pt").read_bytes()
    assert main(["train", *common, "--dataset-dir", str(dataset)]) == 1
    assert "holds a finished run of 2 epochs" in capsys.readouterr().err
    assert (run / "model.pt").read_bytes() == before


def test_a_prediction_lies_on_the_grid_of_its_image(trained, tmp_path):
    _, _, common = trained
    image = np.random.default_rng(0).integers(0, 255, (30, 90, 7)).astype(np.uint8)
    (tmp_path / "in" / "deep").mkdir(parents=True)
    nib.save(nib.Nifti1Image(image, FLIPPED), tmp_path / "in" / "deep" / "scan.nii.gz")
    assert main(["predict", *common, str(tmp_path / "in"), "-o", str(tmp_path / "out")]) == 0
    (result,) = (tmp_path / "out").glob("*.nii.gz")
    mask = nib.load(result)
    assert mask.shape == image.shape
    np.testing.assert_allclose(mask.affine, FLIPPED, atol=1e-6)
    assert set(np.unique(np.asarray(mask.dataobj))) <= set(range(9))


def dice(first, second):
    return 2 * np.sum(first & second) / (first.sum() + second.sum())


def test_the_summary_agrees_with_the_files(trained, dataset, tmp_path):
    """Dice of the written predictions, counted anew, is what the evaluation says."""
    task, _, common = trained
    data = ["--dataset-dir", str(dataset)]
    assert main(["predict", *common, *data, "-o", str(tmp_path / "masks")]) == 0
    assert main(["evaluate", *common, *data, "-o", str(tmp_path / "report")]) == 0
    summary = json.loads((tmp_path / "report" / "summary.json").read_text())
    names = [label["name"] for label in json.loads(task.read_text())["labels"]][1:]
    assert set(summary) >= {"mean", "classes", "cases"}
    assert list(summary["classes"]) == names
    assert {"dice", "iou", "accuracy", "precision", "recall", "f1"} <= set(summary["mean"])
    scores = {name: [] for name in names}
    for case in summary["cases"]:
        mask, truth = (
            np.asarray(nib.load(folder / f"{case['case']}.nii.gz").dataobj)
            for folder in (tmp_path / "masks", dataset / "labelsTr")
        )
        for value, name in enumerate(names, start=1):
            scores[name].append(dice(mask == value, truth == value))
            assert case["classes"][name]["dice"] == pytest.approx(scores[name][-1], abs=1e-6)
    means = [np.mean(values) for values in scores.values()]
    assert summary["mean"]["dice"] == pytest.approx(np.mean(means), abs=1e-6)
    report = (tmp_path / "report" / "report.html").read_text()
    assert "http://" not in report.replace("http://www.w3.org", "")
    assert "https://" not in report


def test_pictures_go_in_and_come_out(small_task, tmp_path):
    generator = np.random.default_rng(0)
    for part, values in (("images", 255), ("masks", 3)):
        (tmp_path / "data" / part).mkdir(parents=True)
        for number in range(10):
            picture = generator.integers(0, values, (40, 30 + number)).astype(np.uint8)
            Image.fromarray(picture).save(tmp_path / "data" / part / f"p{number}.png")
    task, run = small_task(tmp_path), ["--run-dir", str(tmp_path / "run")]
    data = ["--dataset-dir", str(tmp_path / "data")]
    assert main(["train", str(task), *data, *run, "--epochs", "1"]) == 0
    assert main(["predict", str(task), str(tmp_path / "data" / "images"), *run]) == 0
    sizes = {p.stem: Image.open(p).size for p in (tmp_path / "run" / "predictions").glob("*.png")}
    assert sizes == {f"p{number}": (30 + number, 40) for number in range(10)}
    assert main(["evaluate", str(task), *data, *run, "--split", "all"]) == 0
    summary = json.loads((tmp_path / "run" / "evaluation" / "summary.json").read_text())
    assert len(summary["cases"]) == 10


def test_an_interrupted_run_goes_on_to_the_same_weights(small_task, dataset, tmp_path, monkeypatch):
    from lamina.training import RunCheckpoints

    task = small_task(tmp_path)
    data = ["--dataset-dir", str(dataset), "--epochs", "3"]
    assert main(["train", str(task), *data, "--run-dir", str(tmp_path / "whole")]) == 0
    save = RunCheckpoints.save

    def interrupt(self, engine):
        save(self, engine)
        if engine.state.epoch == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunCheckpoints, "save", interrupt)
        assert main(["train", str(task), *data, "--run-dir", str(tmp_path / "cut")]) == 130
    assert not (tmp_path / "cut" / "model.pt").exists()
    assert main(["train", str(task), *data, "--run-dir", str(tmp_path / "cut")]) == 0
    whole, cut = (load_checkpoint(tmp_path / name / "model.pt") for name in ("whole", "cut"))
    assert all((whole[name] == cut[name]).all() for name in whole)
