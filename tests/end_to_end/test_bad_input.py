"""Mistakes of a user end with one to three lines, status 1, and nothing half-written."""

import shutil

import nibabel as nib
import numpy as np
import pytest

from lamina.cli import main


@pytest.fixture
def broken(small_task, dataset, tmp_path):
    """A copy of the data set to break, its task, and one case's image and label."""
    folder = tmp_path / "data"
    shutil.copytree(dataset, folder)
    image, label = (folder / part / "oct_003.nii.gz" for part in ("imagesTr", "labelsTr"))
    return folder, small_task(tmp_path), image, label


def rewrite(path, change):
    image = nib.load(path)
    array, affine = np.asarray(image.dataobj).astype(np.float32), image.affine
    nib.save(nib.Nifti1Image(change(array), affine), path)


def refused(capsys, *words):
    assert main([str(word) for word in words]) == 1
    said = capsys.readouterr().err
    error = said[said.index("error: ") :]
    assert "Traceback" not in said
    assert "→" in error
    return error


def train(capsys, folder, task):
    """Return how a training on the folder is refused; no run may be left behind."""
    error = refused(capsys, "train", task, "--dataset-dir", folder, "--run-dir", folder / "run")
    assert not (folder / "run").exists()
    return error


def predict(capsys, trained, folder):
    """Return how a prediction is refused; nothing of the broken case may be written."""
    _, _, common = trained
    out = folder.parent / "out"
    error = refused(capsys, "predict", *common, folder, "-o", out)
    left = [path.name for path in out.rglob("*") if path.parent.name != ".cases"]
    assert not [name for name in left if "oct_003" in name or name.startswith(".part")]
    return error


def test_a_wrong_task_name(capsys):
    error = refused(capsys, "train", "oct_fantom")
    assert "task 'oct_fantom' is not known" in error
    assert "did you mean oct_phantom?" in error


def test_a_folder_that_is_not_there(capsys, small_task, tmp_path):
    error = train(capsys, tmp_path / "none", small_task(tmp_path))
    assert "none" in error


def test_an_empty_folder(small_task, capsys, tmp_path):
    (tmp_path / "none").mkdir()
    error = train(capsys, tmp_path / "none", small_task(tmp_path))
    assert "none: no image of a data set" in error


def test_a_truncated_image(capsys, broken):
    folder, task, image, _ = broken
    image.write_bytes(image.read_bytes()[:-2000])
    assert "oct_003.nii.gz" in train(capsys, folder, task)


def test_a_label_of_another_shape(capsys, broken):
    folder, task, _, label = broken
    rewrite(label, lambda array: array[:-3])
    error = train(capsys, folder, task)
    assert "oct_003" in error
    assert "29" in error
    assert "32" in error


def test_nan_in_an_image(capsys, broken):
    folder, task, image, _ = broken
    rewrite(image, lambda array: np.where(array > array.mean(), np.nan, array))
    error = train(capsys, folder, task)
    assert "oct_003" in error
    assert "NaN" in error


def test_a_value_that_the_task_does_not_know(capsys, broken):
    folder, task, _, label = broken
    rewrite(label, lambda array: np.where(array == 3, 77, array))
    error = train(capsys, folder, task)
    assert "oct_003" in error
    assert "77" in error


def test_no_foreground_in_any_label(capsys, broken):
    folder, task, _, _ = broken
    for label in (folder / "labelsTr").glob("*.nii.gz"):
        rewrite(label, np.zeros_like)
    assert "no foreground in any of 12 labels" in train(capsys, folder, task)


def test_all_that_is_wrong_stands_in_one_list(capsys, broken):
    folder, task, image, label = broken
    image.write_bytes(b"")
    rewrite(label.with_name("oct_004.nii.gz"), lambda array: array + 50)
    error = train(capsys, folder, task)
    assert "oct_003" in error
    assert "oct_004" in error


def test_weights_of_another_network(small_task, capsys, trained, tmp_path):
    task, run, _ = trained
    wide = small_task(tmp_path, name="wide")
    wide.write_text(task.read_text().replace("[4, 8, 16]", "[8, 16, 32]"))
    words = ("predict", wide, tmp_path, "-o", tmp_path / "out", "--weights", run / "model.pt")
    error = refused(capsys, *words)
    assert "model.pt is of another network" in error
    assert not (tmp_path / "out").exists()


def test_weights_of_the_other_dimension(capsys, trained, tmp_path):
    _, run, common = trained
    other = "3" if common[-1] == "2" else "2"
    words = ("predict", *common[:-1], other, tmp_path, "-o", tmp_path / "out")
    error = refused(capsys, *words)
    assert f"{run / 'model.pt'} is of another network" in error
    assert "--spatial_dims" in error
    assert not (tmp_path / "out").exists()


def test_weights_that_are_cut_off(capsys, trained, tmp_path):
    task, run, _ = trained
    broken = tmp_path / "cut.pt"
    broken.write_bytes((run / "model.pt").read_bytes()[:900])
    error = refused(capsys, "predict", task, tmp_path, "--weights", broken)
    assert "cut.pt is not a whole checkpoint" in error


def test_nothing_to_predict(capsys, trained, tmp_path):
    _, _, common = trained
    (tmp_path / "notes.txt").write_text("no image")
    error = refused(capsys, "predict", *common, tmp_path, "-o", tmp_path / "out")
    assert f"{tmp_path}: no image" in error
    assert not (tmp_path / "out").exists()


def test_a_truncated_image_to_predict(capsys, trained, broken):
    _, _, image, _ = broken
    image.write_bytes(image.read_bytes()[:-2000])
    assert "oct_003.nii.gz: not a complete NIfTI file" in predict(capsys, trained, image.parent)


def test_nan_in_an_image_to_predict(capsys, trained, broken):
    _, _, image, _ = broken
    rewrite(image, lambda array: np.where(array > array.mean(), np.nan, array))
    error = predict(capsys, trained, image.parent)
    assert "oct_003.nii.gz" in error
    assert "NaN" in error


def test_no_weights_at_all(small_task, capsys, tmp_path):
    error = refused(capsys, "predict", small_task(tmp_path), tmp_path, "--run-dir", tmp_path / "r")
    assert "there are no weights" in error
    assert "train first" in error


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--epochs", "0"], "epochs: 0"),
        (["--batch-size", "0"], "batch_size: 0"),
        (["--lr", "-1"], "lr: -1"),
        (["--patch-size", "64"], "patch_size: [64], expected 2 sizes"),
        (["--patch-size", "31,128"], "32 × 128 would do"),
        (["--fold", "5", "--folds", "5"], "fold 5 of 5 folds"),
        (["--patience", "0"], "patience: 0"),
    ],
)
def test_a_number_that_makes_no_sense(capsys, dataset, small_task, tmp_path, words, wanted):
    run = tmp_path / "run"
    task = small_task(tmp_path)
    error = refused(capsys, "train", task, "--dataset-dir", dataset, "--run-dir", run, *words)
    assert wanted in error
    assert not run.exists()


def test_an_output_folder_that_is_a_file(capsys, trained, dataset, tmp_path):
    _, _, common = trained
    (tmp_path / "out").write_text("mine")
    error = refused(capsys, "predict", *common, dataset / "imagesTr", "-o", tmp_path / "out")
    assert "out" in error
    assert "can't be written" in error
    assert (tmp_path / "out").read_text() == "mine"


def test_the_runs_own_dimension_needs_no_option(capsys, trained, dataset, tmp_path):
    task, run, _ = trained
    words = ["predict", str(task), str(dataset / "imagesTr"), "--run-dir", str(run)]
    assert main([*words, "-o", str(tmp_path / "out")]) == 0
    assert len(list((tmp_path / "out").glob("*.nii.gz"))) == 12
