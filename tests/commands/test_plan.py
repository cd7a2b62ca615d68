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
