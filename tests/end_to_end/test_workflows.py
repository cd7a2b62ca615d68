"""From a folder of images and labels to a model, masks and a report."""

import json

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lamina.cli import main
from lamina.tensors import load_checkpoint

METRICS = {"dice", "iou", "accuracy", "precision", "recall", "f1"}
FLIPPED = np.array(
    [[-0.02, 0.003, 0.0, 30.0], [0.002, -0.004, 0.01, -12.0], [0.0, 0.001, 0.12, 7.0], [0, 0, 0, 1]]
)


def read(path):
    return json.loads(path.read_text())


def class_names(task):
    return [label["name"] for label in read(task)["labels"]][1:]


def test_a_run_leaves_what_the_readme_says(trained):
    _, run, _ = trained
    names = {path.name for path in run.iterdir()}
    assert {"model.pt", "last.pt", "best.pt", "history.json", "run.json", "splits.json"} <= names
    assert {"train.log", "tensorboard"} <= names
    history = read(run / "history.json")
    assert [row["epoch"] for row in history] == [1, 2]
    assert np.isfinite([row["loss"] for row in history]).all()
    assert "epoch 2" in (run / "train.log").read_text()
    assert [name for name in names if name.startswith(".")] == [".training.lock"]


def test_every_case_is_in_one_split(trained, dataset):
    splits = read(trained[1] / "splits.json")
    names = [case["name"] for split in ("training", "validation", "test") for case in splits[split]]
    assert sorted(names) == sorted(p.name[:-7] for p in (dataset / "imagesTr").iterdir())
    assert all(splits[split] for split in splits)


def test_tensorboard_has_curves_of_each_class_and_pictures(trained):
    task, run, _ = trained
    events = EventAccumulator(str(run / "tensorboard")).Reload()
    scalars = set(events.Tags()["scalars"])
    assert {"loss", "lr", "val_dice", "val_iou"} <= scalars
    assert {f"val_dice/{name}" for name in class_names(task)} <= scalars
    assert [event.step for event in events.Scalars("loss")] == [1, 2]
    assert events.Images(events.Tags()["images"][0])


def test_the_model_is_the_best_of_the_run(trained):
    _, run, _ = trained
    model, best, last = (load_checkpoint(run / f"{name}.pt") for name in ("model", "best", "last"))
    scores = [row["val_dice"] for row in read(run / "history.json")]
    assert last["best_metric_epoch"] == 1 + int(np.argmax(scores))
    assert last["best_metric"] == pytest.approx(max(scores))
    assert all((model[name] == best[name]).all() for name in model)


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
    assert mask.get_data_dtype() == np.uint8
    np.testing.assert_allclose(mask.affine, FLIPPED, atol=1e-6)
    assert set(np.unique(np.asarray(mask.dataobj))) <= set(range(9))


def dice(first, second):
    return 2 * np.sum(first & second) / (first.sum() + second.sum())


@pytest.fixture(scope="module")
def evaluated(trained, dataset, tmp_path_factory):
    """The task file, a folder with the masks of the held-out cases, and one with the report."""
    task, _, common = trained
    folder, data = tmp_path_factory.mktemp("evaluated"), ["--dataset-dir", str(dataset)]
    assert main(["predict", *common, *data, "-o", str(folder / "masks")]) == 0
    assert main(["evaluate", *common, *data, "-o", str(folder / "report")]) == 0
    return task, folder / "masks", folder / "report"


def test_held_out_cases_are_predicted_and_measured(trained, evaluated):
    _, masks, report = evaluated
    held_out = {case["name"] for case in read(trained[1] / "splits.json")["test"]}
    assert {path.name for path in masks.glob("*.nii.gz")} == {f"{name}.nii.gz" for name in held_out}
    assert {case["case"] for case in read(report / "summary.json")["cases"]} == held_out


def test_the_summary_agrees_with_the_files(evaluated, dataset):
    """Dice of the written masks, counted anew, is what the evaluation says."""
    task, masks, report = evaluated
    summary, names = read(report / "summary.json"), class_names(task)
    assert list(summary["classes"]) == names
    assert set(summary["mean"]) >= METRICS
    scores = {name: [] for name in names}
    for case in summary["cases"]:
        mask, truth = (
            np.asarray(nib.load(folder / f"{case['case']}.nii.gz").dataobj)
            for folder in (masks, dataset / "labelsTr")
        )
        for value, name in enumerate(names, start=1):
            scores[name].append(dice(mask == value, truth == value))
            assert case["classes"][name]["dice"] == pytest.approx(scores[name][-1], abs=1e-6)
    means = [np.mean(values) for values in scores.values()]
    assert summary["mean"]["dice"] == pytest.approx(np.mean(means), abs=1e-6)


def test_the_report_needs_no_network(evaluated):
    _, _, report = evaluated
    assert (report / "cases.csv").is_file()
    text = (report / "report.html").read_text().replace("http://www.w3.org", "")
    assert "http://" not in text
    assert "https://" not in text


def test_pictures_go_in_and_come_out(small_task, tmp_path):
    generator = np.random.default_rng(0)
    for part, values in (("images", 255), ("masks", 3)):
        (tmp_path / "data" / part).mkdir(parents=True)
        for number in range(6):
            picture = generator.integers(0, values, (40, 30 + number)).astype(np.uint8)
            Image.fromarray(picture).save(tmp_path / "data" / part / f"p{number}.png")
    task, run = small_task(tmp_path), ["--run-dir", str(tmp_path / "run")]
    data = ["--dataset-dir", str(tmp_path / "data")]
    assert main(["train", str(task), *data, *run, "--epochs", "1"]) == 0
    assert main(["predict", str(task), str(tmp_path / "data" / "images"), *run]) == 0
    masks = [Image.open(path) for path in sorted((tmp_path / "run" / "predictions").glob("*.png"))]
    assert [mask.size for mask in masks] == [(30 + number, 40) for number in range(6)]
    assert {mask.mode for mask in masks} == {"L"}
    assert max(np.asarray(mask).max() for mask in masks) <= 8
    assert main(["evaluate", str(task), *data, *run, "--split", "all"]) == 0
    summary = read(tmp_path / "run" / "evaluation" / "summary.json")
    cases = {case["case"]: case["classes"]["NFL"]["dice"] for case in summary["cases"]}
    for number, mask in enumerate(masks):
        truth = np.asarray(Image.open(tmp_path / "data" / "masks" / f"p{number}.png"))
        assert cases[f"p{number}"] == pytest.approx(dice(np.asarray(mask) == 1, truth == 1))
