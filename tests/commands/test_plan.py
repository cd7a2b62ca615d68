import json

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from lamina.cli import main
from lamina.commands import plan


@pytest.fixture(autouse=True)
def _page_stays_here(tmp_path, monkeypatch):
    """No test writes a page into the checkout's runs/."""
    add = plan.add

    def add_with_page(commands):
        add(commands)
        commands.choices["plan"].set_defaults(report=str(tmp_path / "page"))

    monkeypatch.setattr(plan, "add", add_with_page)


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("imagesTr", "labelsTr"):
        (tmp_path / "My Data" / name).mkdir(parents=True)
    for index in range(10):
        label = np.zeros((20, 24, 12), np.uint8)
        label[6:14, 8:16, 3:9] = 1
        image = rng.random(label.shape).astype(np.float32) + label
        for name, values in (("imagesTr", image), ("labelsTr", label)):
            place = tmp_path / "My Data" / name / f"c{index}.nii.gz"
            nib.Nifti1Image(values, np.diag([-1.0, -1.0, 2.0, 1.0])).to_filename(place)
    return tmp_path / "My Data"


def test_from_a_folder_to_a_trained_network(folder, tmp_path, capsys):
    task = tmp_path / "mine.json"
    assert main(["plan", str(folder), "-o", str(task), "--budget-minutes", "0.01"]) == 0
    out = capsys.readouterr().out
    assert "10 labelled cases, 3D" in out
    assert "defects: none" in out
    content = json.loads(task.read_text())
    assert content["name"] == "my_data"
    assert main(["check", str(task), "--dataset-dir", str(folder)]) == 0
    line = ["train", str(task), "--dataset-dir", str(folder), "--run-dir", str(tmp_path / "run")]
    assert main([*line, "--epochs", "2"]) == 0
    assert (tmp_path / "run" / "model.pt").is_file()


def test_a_task_is_not_replaced_unasked(folder, tmp_path, capsys):
    task = tmp_path / "mine.json"
    task.write_text("{}")
    assert main(["plan", str(folder), "-o", str(task)]) == 1
    assert "is there already" in capsys.readouterr().err
    assert task.read_text() == "{}"


def test_a_background_in_doubt_is_asked_for(tmp_path, capsys):
    for name, values in (("images", 3), ("masks", 240)):
        (tmp_path / "oct" / name).mkdir(parents=True)
        for index in range(4):
            picture = np.full((30, 40), values + index * (name == "images"), np.uint8)
            picture[10:20] = 0 if name == "masks" else 90 + index
            Image.fromarray(picture).save(tmp_path / "oct" / name / f"{index}.png")
    line = ["plan", str(tmp_path / "oct"), "-o", str(tmp_path / "t.json")]
    assert main(line) == 1
    error = capsys.readouterr().err
    assert "edges hold mostly 240, not 0" in error
    assert "--background 240" in error
    assert main([*line, "--background", "240"]) == 0
    assert json.loads((tmp_path / "t.json").read_text())["label_values"] == {"240": 0, "0": 1}


def test_defects_are_told_and_the_plan_is_made(folder, tmp_path, capsys):
    (folder / "imagesTr" / "c3.nii.gz").write_bytes(
        (folder / "imagesTr" / "c4.nii.gz").read_bytes()
    )
    assert main(["plan", str(folder), "-o", str(tmp_path / "mine.json"), "--name", "x"]) == 0
    out = capsys.readouterr().out
    assert "defects: 1" in out
    assert "- c3, c4: the same image" in out


AFFINE = np.array([[0.1, -1.5, 0, 20], [-1.0, 0.05, 0, 30], [0, 0, -3.0, 40], [0, 0, 0, 1]])


@pytest.fixture
def folder_plan_fix(tmp_path):
    """Six cases; the labels of two lie elsewhere, one by 1 mm and one by 500."""
    root = tmp_path / "data"
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
    for index in range(6):
        label = np.zeros((20, 24, 12), np.uint8)
        label[6 + index % 3 : 14, 8:16, 3:9] = 1
        image = np.random.default_rng(index).random(label.shape, dtype=np.float32) + label
        moved = AFFINE.copy()
        moved[0, 3] += {1: 1.0, 2: 500.0}.get(index, 0.0)
        nib.Nifti1Image(image, AFFINE).to_filename(root / "images" / f"c{index}.nii.gz")
        nib.Nifti1Image(label, moved).to_filename(root / "masks" / f"c{index}.nii.gz")
    return root


def test_what_is_clear_is_mended_and_the_rest_told(folder_plan_fix, tmp_path, capsys):
    fixed = tmp_path / "fixed"
    assert main(["plan", str(folder_plan_fix), "--fix", str(fixed)]) == 1  # one is left
    out = capsys.readouterr().out
    assert "- masks/c1.nii.gz: given the affine of its image (origin 1 mm" in out
    assert "- masks/c2.nii.gz: left as it is: " in out
    assert "1 label(s) fixed, 1 left as they are" in out
    assert f"next: lamina plan {fixed}" in out
    line = ["plan", str(fixed), "-o", str(tmp_path / "t.json"), "--report", str(tmp_path / "page")]
    assert main([*line, "--budget-minutes", "0.01"]) == 0
    out = capsys.readouterr().out
    assert "defects: 1" in out
    assert "c2.nii.gz" in out
    assert "c1.nii.gz" not in out
    assert json.loads((tmp_path / "t.json").read_text())["name"] == "fixed"


def test_a_larger_tolerance_mends_more(folder_plan_fix, tmp_path):
    line = ["plan", str(folder_plan_fix), "--fix", str(tmp_path / "fixed"), "--tolerance-mm", "600"]
    assert main(line) == 0


def test_without_any_labelled_case_there_are_defects_and_one_message(tmp_path, capsys):
    for name in ("images", "masks"):
        (tmp_path / "data" / name).mkdir(parents=True)
    image = nib.Nifti1Image(np.zeros((4, 5, 6), np.float32), AFFINE)
    image.to_filename(tmp_path / "data" / "images" / "a.nii.gz")
    image.to_filename(tmp_path / "data" / "masks" / "b.nii.gz")
    task, page = tmp_path / "t.json", tmp_path / "page"
    line = ["plan", str(tmp_path / "data"), "-o", str(task), "--report", str(page)]
    assert main(line) == 1
    out, error = capsys.readouterr()
    assert "defects: 2" in out
    assert "masks/b.nii.gz: a label without an image" in out
    assert "no labelled case can be used, so nothing was planned" in error
    assert error.count("→") == 1
    assert not task.exists()
    assert "a label without an image" in (page / "index.html").read_text()


def test_where_all_labels_fit_it_says_so(folder_plan_fix, tmp_path, capsys):
    for name in ("c1", "c2"):
        (folder_plan_fix / "masks" / f"{name}.nii.gz").unlink()
    assert main(["plan", str(folder_plan_fix), "--fix", str(tmp_path / "fixed")]) == 0
    assert "every label fits its image already" in capsys.readouterr().out
