import io
import json

import nibabel as nib
import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.data import MetaTensor
from PIL import Image

from lamina.cli import main
from lamina.evaluation.comparison import compare_evaluations
from lamina.evaluation.comparison_page import SHOWN, compared_cases, most_different
from lamina.evaluation.evaluator import EvaluationWriter
from lamina.metrics.measure import MeasureSettings

LABELS = [
    {"value": 0, "name": "background", "color": [0, 0, 0]},
    {"value": 1, "name": "left <lung>", "color": [0, 120, 255]},
    {"value": 2, "name": "nodule", "color": [255, 120, 0]},
]
AFFINE = np.array([[-0.5, 0.1, 0, 3], [0.1, 0.5, 0, 4], [0, 0, 2, 5], [0, 0, 0, 1]], float)


def block(shift):
    mask = np.zeros((20, 24, 8), np.uint8)
    mask[4 + shift : 12 + shift, 4:12, 2:6] = 1
    mask[4:9, 15:20, 2:6] = 2
    return mask


def evaluate(folder, images, shifts):
    """Evaluate made-up predictions, each the reference moved by some voxels."""
    cases = []
    for name, shift in shifts.items():
        image = MetaTensor(
            torch.rand(1, 20, 24, 8), affine=AFFINE, meta={"filename_or_obj": str(images / name)}
        )
        reference, pred = (MetaTensor(torch.from_numpy(block(s))[None]) for s in (0, shift))
        cases.append({"case": name.split(".")[0], "image": image, "label": reference, "pred": pred})
    engine = Engine(lambda engine, batch: batch)
    EvaluationWriter(LABELS, MeasureSettings(["dice", "iou"]), folder, "Test").attach(engine)
    engine.run([[one] for one in cases], max_epochs=1)
    return folder


@pytest.fixture
def folders(tmp_path):
    names = [f"c{index}.nii.gz" for index in range(8)]
    (tmp_path / "images").mkdir()
    rng = np.random.default_rng(0)
    for name in names:
        values = rng.random((20, 24, 8)).astype(np.float32)
        nib.Nifti1Image(values, AFFINE).to_filename(tmp_path / "images" / name)
    shifts = ({n: 1 for n in names}, {n: (index + 1) // 2 for index, n in enumerate(names)})
    return [
        evaluate(tmp_path / which / "evaluation", tmp_path / "images", of)
        for which, of in zip("ab", shifts, strict=True)
    ]


def test_the_largest_differences_come_first(folders):
    found = compare_evaluations(*folders)
    names = most_different(found, 4)
    assert names[0] == "c7"
    assert set(names[1:3]) == {"c5", "c6"}
    assert most_different(found, 99)[-1] in ("c0", "c3", "c4")
    assert not {"c1", "c2"} & set(most_different(found, 99))  # alike in both


def test_contours_are_where_the_results_are(folders):
    found = compare_evaluations(*folders)
    cases = list(compared_cases(found, folders))
    assert len(cases) == SHOWN
    first = cases[0]
    assert first.name == "c7"
    assert list(first.panels) == ["image", "reference", "A", "B"]
    pictures = {title: Image.open(io.BytesIO(png)) for title, png in first.panels.items()}
    assert len({picture.size for picture in pictures.values()}) == 1
    blue = {}
    for title in ("reference", "A", "B"):
        pixels = np.asarray(pictures[title].convert("RGB")).astype(int)
        blue[title] = np.argwhere((pixels == (0, 120, 255)).all(axis=-1)).mean(axis=0)
        assert (pixels == (255, 120, 0)).all(axis=-1).any()
    apart = {title: np.linalg.norm(blue[title] - blue["reference"]) for title in ("A", "B")}
    assert 0 < apart["A"] < apart["B"]


def test_the_page_has_all_of_it(folders, capsys):
    assert main(["compare", str(folders[0].parent), str(folders[1].parent)]) == 0
    page = (folders[1].parent / "comparison" / "comparison.html").read_text()
    assert str(folders[1].parent / "comparison" / "comparison.html") in capsys.readouterr().out
    assert page.count("data:image/png") == 1 + 4 * SHOWN
    assert "left &lt;lung&gt;" in page
    assert "<lung>" not in page
    assert "Wilcoxon" in page


def test_an_evaluation_without_label_maps_says_why_there_are_no_pictures(folders):
    summary = json.loads((folders[0] / "summary.json").read_text())
    for case in summary["cases"]:
        del case["files"]
    (folders[0] / "summary.json").write_text(json.dumps(summary))
    cases = list(compared_cases(compare_evaluations(*folders), folders))
    assert not any(case.panels for case in cases)
    assert "no label maps are saved here" in cases[0].reason


def test_an_image_that_is_gone_says_so(folders, tmp_path):
    (tmp_path / "images" / "c7.nii.gz").unlink()
    first, second, *_ = compared_cases(compare_evaluations(*folders), folders)
    assert "c7.nii.gz" in first.reason
    assert second.panels


def test_a_table_alone_is_compared_without_pictures(folders, tmp_path):
    (folders[0] / "summary.json").unlink()
    first, *_ = compared_cases(compare_evaluations(*folders), folders)
    assert "no label maps are saved here" in first.reason
