import json

import nibabel as nib
import numpy as np
import pytest

from lamina.cli import main

AFFINE = np.array([[0.1, -1.5, 0, 20], [-1.0, 0.05, 0, 30], [0, 0, -3.0, 40], [0, 0, 0, 1]])


@pytest.fixture
def folder(tmp_path):
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


def test_what_is_clear_is_mended_and_the_rest_told(folder, tmp_path, capsys):
    fixed = tmp_path / "fixed"
    assert main(["plan", str(folder), "--fix", str(fixed)]) == 1  # one is left
    out = capsys.readouterr().out
    assert "- masks/c1.nii.gz: re-stamped with its image's place in space (origin 1 mm" in out
    assert "- masks/c2.nii.gz: left as it is: " in out
    assert "1 label(s) mended, 1 left as they are" in out
    assert f"next: lamina plan {fixed}" in out
    line = ["plan", str(fixed), "-o", str(tmp_path / "t.json"), "--report", str(tmp_path / "page")]
    assert main([*line, "--budget-minutes", "0.01"]) == 0
    out = capsys.readouterr().out
    assert "defects: 1" in out
    assert "c2.nii.gz" in out
    assert "c1.nii.gz" not in out
    assert json.loads((tmp_path / "t.json").read_text())["name"] == "fixed"


def test_a_larger_tolerance_mends_more(folder, tmp_path):
    line = ["plan", str(folder), "--fix", str(tmp_path / "fixed"), "--tolerance-mm", "600"]
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


def test_where_all_labels_fit_it_says_so(folder, tmp_path, capsys):
    for name in ("c1", "c2"):
        (folder / "masks" / f"{name}.nii.gz").unlink()
    assert main(["plan", str(folder), "--fix", str(tmp_path / "fixed")]) == 0
    assert "every label fits its image already" in capsys.readouterr().out
