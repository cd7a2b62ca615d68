"""What `lamina plan` makes of masks whose values are no plain classes."""

import json

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from lamina.cli import main


@pytest.fixture
def plan(tmp_path, capsys):
    def run(folder, *more):
        task = tmp_path / "task.json"
        task.unlink(missing_ok=True)
        line = ["plan", str(folder), "-o", str(task), "--report", str(tmp_path / "page")]
        code = main([*line, "--budget-minutes", "0.01", *more])
        read = capsys.readouterr()
        content = json.loads(task.read_text()) if task.is_file() else {}
        return code, read.out + read.err, content.get("label_values")

    return run


def write_pictures(root, draw, suffix=".png"):
    rng = np.random.default_rng(0)
    for at in range(6):
        mask = draw(at)
        for folder, values, ending in (
            ("images", (rng.random(mask.shape) * 90 + 90 * (mask == 1)).astype(np.uint8), ".png"),
            ("masks", mask, suffix),
        ):
            (root / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values).save(root / folder / f"p{at}{ending}")
    return root


def ringed(at):
    mask = np.zeros((48, 48), np.uint8)
    mask[8 + at : 30 + at, 10:34], mask[10 + at : 28 + at, 12:32] = 255, 1
    return mask


def disc(at, high=255):
    rows, columns = np.mgrid[:48, :48]
    return (high * ((rows - 24 - at) ** 2 + (columns - 22) ** 2 < 150)).astype(np.uint8)


@pytest.mark.parametrize("ring", [255, 2, 40])
def test_a_value_that_looks_ignored_is_asked_about_and_left_out(tmp_path, plan, ring):
    def draw(at):
        mask = ringed(at)
        mask[mask == 255] = ring
        return mask

    root = write_pictures(tmp_path / "set", draw)
    code, text, _ = plan(root)
    assert code == 0
    assert f"add --ignore {ring}" in text
    code, text, values = plan(root, "--ignore", str(ring))
    assert code == 0
    assert "defects: none" in text
    assert values == {"0": 0, "1": 1, str(ring): "ignore"}


def test_lossy_masks_are_refused_until_a_threshold_is_given(tmp_path, plan):
    root = write_pictures(tmp_path / "set", disc, ".jpg")
    code, text, _ = plan(root)
    assert code == 1
    assert "add --threshold 1" in text
    assert "--threshold 12" in text or "--threshold 13" in text
    code, text, values = plan(root, "--threshold", "128")
    assert code == 0
    assert values == {">=128": 1}
    task = ["--task", str(tmp_path / "task.json")]
    assert main(["data", str(root), *task]) == 0


def test_grey_codes_and_0_255_are_classes(tmp_path, plan):
    def codes(at):
        return np.maximum(disc(at) // 3, np.roll(disc(at), 22, 1) // 3 * 2).astype(np.uint8)

    assert plan(write_pictures(tmp_path / "two", disc))[2] == {"0": 0, "255": 1}
    code, text, values = plan(write_pictures(tmp_path / "codes", codes))
    assert (code, values) == (0, {"0": 0, "85": 1, "170": 2})
    assert "--ignore" not in text


def test_a_small_structure_within_another_is_no_ring(tmp_path, plan):
    def draw(at):
        mask = np.minimum(disc(at), 1)
        mask[23 + at : 26 + at, 20:23] = 2
        return mask

    assert "--ignore" not in plan(write_pictures(tmp_path / "set", draw))[1]


def write_volumes(root, labels, value=3, declared=None):
    rng = np.random.default_rng(0)
    for at in range(6):
        label = np.zeros((20, 20, 12), np.uint8)
        label[6:14, 5 + at % 3 : 13, 2:10] = 1
        label[:, :, [k for k in range(12) if k % 4]] = value
        for folder, values in (
            ("imagesTr", rng.random(label.shape, np.float32)),
            ("labelsTr", label),
        ):
            (root / folder).mkdir(parents=True, exist_ok=True)
            ending = "_0000.nii.gz" if folder == "imagesTr" else ".nii.gz"
            nib.Nifti1Image(values, np.eye(4)).to_filename(root / folder / f"c{at}{ending}")
    content = {"channel_names": {"0": "MR"}, "labels": labels, "numTraining": 6}
    (root / "dataset.json").write_text(json.dumps(content | (declared or {})))
    return root


def test_sparse_volumes_with_nnunets_ignore_are_trained_and_measured(tmp_path, plan):
    root = write_volumes(tmp_path / "set", {"background": 0, "organ": 1, "ignore": 3})
    code, text, values = plan(root)
    assert (code, values) == (0, {"0": 0, "1": 1, "3": "ignore"}), text
    task, run = str(tmp_path / "task.json"), ["--run-dir", str(tmp_path / "run")]
    data = ["--dataset-dir", str(root)]
    assert main(["train", task, *data, *run, "--epochs", "1"]) == 0
    assert main(["evaluate", task, *data, *run, "--split", "all"]) == 0
    cases = json.loads((tmp_path / "run/evaluation/summary.json").read_text())["cases"]
    truth = nib.load(tmp_path / "run/evaluation" / cases[0]["files"]["truth"])
    assert set(np.unique(truth.dataobj)) == {0, 1, 2}


def test_undeclared_sparse_volumes_name_the_option(tmp_path, plan):
    root = write_volumes(tmp_path / "set", {"background": 0, "organ": 1, "more": 3})
    code, text, _ = plan(root)
    assert code == 1
    assert "if it marks what nobody annotated, --ignore 3" in text


def test_values_and_ignore_that_disagree_are_shown_both(tmp_path, plan):
    root = write_volumes(tmp_path / "a", {"background": 0, "organ": 2, "ignore": 3})
    code, text, _ = plan(root)
    assert code == 1
    assert "declares the values 0, 2, 3, but the label files hold 0, 1" in text
    code, text, _ = plan(root, "--ignore", "1")
    assert code == 1
    assert "--ignore 1, but" in text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("values_0_1_2_4", "0, 1, 2, 3, but the label files hold 0, 1, 2, 4"),
        ("values_2_3_4_declared_1_2_3", "0, 1, 2, 3, but the label files hold 0, 2, 3, 4"),
        ("grey_masks", "add --threshold 127"),
        ("jpeg_masks", "add --threshold 128"),
    ],
)
def test_real_layouts_that_went_wrong_in_silence(real_data, plan, name, words):
    folder = real_data / "faults" / "layouts" / name
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    code, text, values = plan(folder)
    assert (code, values) == (1, None)
    assert words in text
