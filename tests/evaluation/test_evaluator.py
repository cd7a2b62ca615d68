import csv
import json
import re

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.data import MetaTensor

from lamina.errors import DataError
from lamina.evaluation.evaluator import EvaluationWriter
from lamina.metrics.measure import MeasureSettings

LABELS = [
    {"value": 0, "name": "background", "color": [0, 0, 0]},
    {"value": 1, "name": "lung <left>", "color": [0, 120, 255]},
    {"value": 2, "name": "nodule", "color": [255, 120, 0]},
]
AFFINE = torch.tensor(
    [[-0.5, 0.1, 0.0, 3.0], [0.1, 0.5, 0.0, 4.0], [0.0, 0.0, 2.0, 5.0], [0, 0, 0, 1.0]]
)


def case(name, reference, prediction):
    image = MetaTensor(torch.rand(1, *reference.shape), affine=AFFINE)
    label, pred = (
        MetaTensor(torch.as_tensor(m)[None], affine=AFFINE) for m in (reference, prediction)
    )
    return {"case": name, "image": image, "label": label, "pred": pred}


def run(folder, cases, metrics=("dice", "iou", "average_surface_distance"), **more):
    engine = Engine(lambda engine, batch: batch)
    settings = MeasureSettings(metrics)
    EvaluationWriter(LABELS, settings, folder, "Test <title>", **more).attach(engine)
    engine.run([[one] for one in cases], max_epochs=1)
    return json.loads((folder / "summary.json").read_text())


def block(*classes):
    mask = np.zeros((12, 10, 6), np.uint8)
    for value in classes:
        mask[2 * value : 2 * value + 3, 2:8, 1:5] = value
    return mask


@pytest.fixture
def summary(tmp_path):
    shifted = np.roll(block(1, 2), 1, axis=1)
    cases = [
        case("perfect", block(1, 2), block(1, 2)),
        case("missed", block(1, 2), block(1)),
        case("false", block(1), block(1, 2)),
        case("absent", block(1), block(1)),
        case("shifted", block(1, 2), shifted),
    ]
    return run(tmp_path, cases)


def test_missed_and_false_count_0_and_absent_is_left_out(summary):
    nodule = summary["classes"]["nodule"]
    assert nodule["counts"] == {"present": 2, "missed": 1, "false": 1, "absent": 1}
    shifted = 5 / 6
    assert nodule["dice"] == pytest.approx((1 + 0 + 0 + shifted) / 4, abs=0.02)
    by_name = {one["case"]: one for one in summary["cases"]}
    assert by_name["missed"]["classes"]["nodule"]["status"] == "missed"
    assert by_name["absent"]["classes"]["nodule"]["dice"] is None


def test_the_mean_is_over_the_classes_of_the_means_over_the_cases(summary):
    values = [one["dice"] for one in summary["classes"].values()]
    assert summary["mean"]["dice"] == pytest.approx(np.mean(values))


def test_a_missed_structure_has_the_diagonal_as_its_distance(summary):
    by_name = {one["case"]: one for one in summary["cases"]}
    spacing = np.linalg.norm(AFFINE[:3, :3].numpy(), axis=0)
    diagonal = np.linalg.norm(np.array([12, 10, 6]) * spacing)
    got = by_name["missed"]["classes"]["nodule"]["average_surface_distance"]
    assert got == pytest.approx(diagonal, rel=0.15)


def test_the_table_has_a_row_for_each_case_and_class(summary, tmp_path):
    rows = list(csv.DictReader((tmp_path / "cases.csv").open()))
    assert len(rows) == 5 * 2
    assert {"case", "dice"} <= set(rows[0])


def test_the_report_stands_alone_and_escapes_names(summary, tmp_path):
    page = (tmp_path / "report.html").read_text()
    assert "lung &lt;left&gt;" in page
    assert "<left>" not in page
    assert not re.search(r'(src|href)="(?!#|data:)', page)
    # Three planes of each of three examples, one of each case in the list.
    assert page.count("data:image/png;base64,") == 4 * (3 * 3 + 5)
    assert all(f"<h4>{plane}</h4>" in page for plane in ("Axial", "Coronal", "Sagittal"))
    assert all(f"{name}" in page for name in ("perfect", "missed", "shifted"))
    assert not (tmp_path / ".pictures").exists()


def test_slices_of_a_layer_task_are_shown_as_they_were_scanned(tmp_path):
    settings = MeasureSettings(["dice", "boundary_error"], depth_axis=1)
    engine = Engine(lambda engine, batch: batch)
    EvaluationWriter(LABELS, settings, tmp_path, "Layers").attach(engine)
    engine.run([[case("a", block(1, 2), block(1, 2))]])
    page = (tmp_path / "report.html").read_text()
    assert re.findall("<h4>(.*?)</h4>", page) == [f"Slice {index} of 6" for index in (2, 3, 5, 2)]
    assert "the depth runs down" in page


def test_curves_of_the_training_are_shown(tmp_path):
    curves = [{"epoch": n, "loss": 1 / n, "val_dice": n / 10} for n in range(1, 6)]
    run(tmp_path, [case("a", block(1), block(1))], curves=curves)
    assert (
        "val_dice" in (tmp_path / "report.html").read_text()
        or "Training" in (tmp_path / "report.html").read_text()
    )


def test_a_case_that_cannot_be_measured_ends_nothing_but_is_told(tmp_path):
    good, bad = case("good", block(1), block(1)), case("bad", block(1), block(1))
    bad["pred"] = bad["pred"][:, :-2]
    with pytest.raises(DataError, match="1 of 2 cases could not be measured: bad"):
        run(tmp_path, [bad, good])
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert [one["case"] for one in summary["cases"]] == ["good"]
    assert [one["case"] for one in summary["failed"]] == ["bad"]
