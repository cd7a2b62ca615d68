import json

import numpy as np
import pytest

from lamina.evaluation.choose_postprocessing import choice_text, choose_postprocessing, write_choice
from lamina.tasks.labels import Label
from lamina.writers.label_files import save_label_image

LABELS = [
    Label(0, "background", (0, 0, 0)),
    Label(1, "body", (255, 0, 0)),
    Label(2, "spots", (0, 0, 255)),
]
AFFINE = np.diag([-1.0, 1.0, 2.0, 1.0])


def reference():
    """A body with a spot on either side."""
    label = np.zeros((20, 24, 12), np.uint8)
    label[6:14, 6:16, 2:9] = 1
    label[1:4, 1:4, 2:5] = 2
    label[16:19, 18:21, 6:9] = 2
    return label


@pytest.fixture
def pairs(tmp_path):
    """Write predictions and references; each prediction is a change of the reference."""

    def write(change, cases=4):
        made = []
        for index in range(cases):
            prediction = reference()
            change(prediction, index)
            files = [
                save_label_image(values, AFFINE, tmp_path / kind, f"c{index}")
                for kind, values in (("predictions", prediction), ("reference", reference()))
            ]
            made.append((files[0], files[1]))
        return made

    return write


def test_a_stray_part_of_one_structure(pairs):
    """The largest part helps the body; of the spots it would take one away."""

    def stray(label, index):
        label[18:20, 0:2, 0:2] = 1

    choice = choose_postprocessing(pairs(stray), LABELS)
    assert [step["_target_"] for step in choice.steps] == ["KeepLargestConnectedComponentd"]
    assert choice.steps[0]["applied_labels"] == [1]
    assert choice.after == pytest.approx([1, 1])
    assert choice.before == pytest.approx([1120 / 1128, 1])
    assert choice.cases == 4


def test_holes(pairs):
    def hole(label, index):
        label[9:11, 9:11, 4:6] = 0

    choice = choose_postprocessing(pairs(hole), LABELS)
    assert [step["_target_"] for step in choice.steps] == ["FillHolesd"]
    assert choice.after == pytest.approx([1, 1])


def test_small_parts_of_a_structure_that_has_several(pairs):
    def crumbs(label, index):
        label[0, 20:22, 0] = 2

    choice = choose_postprocessing(pairs(crumbs), LABELS)
    (step,) = choice.steps
    assert step["_target_"] == "lamina.transforms.RemoveSmallComponentsd"
    assert step["applied_labels"] == [2]
    assert 4 < step["smallest"] <= 54  # mm³, of parts of 4 and 54
    assert choice.after == pytest.approx([1, 1])


def test_what_helps_in_the_mean_but_harms_a_structure_is_left(pairs):
    """Filling the hole is right in one structure; here the body has a true cavity."""

    def cavity(label, index):
        if index:
            label[18:20, 0:2, 0:2] = 2  # a third spot, in three of four cases
        else:
            label[1:4, 1:4, 2:5] = 0
            label[0, 0, 0] = 2

    choice = choose_postprocessing(pairs(cavity), LABELS)
    assert (choice.after >= choice.before - 1e-9).all()
    assert choice.after.mean() >= choice.before.mean()


def test_perfect_predictions_need_nothing(pairs, tmp_path):
    choice = choose_postprocessing(pairs(lambda label, index: None), LABELS)
    assert choice.steps == []
    assert "none raises the mean Dice (1.0000)" in choice_text(choice, LABELS)


def test_the_file_is_one_that_a_task_may_hold(pairs, tmp_path):
    def stray(label, index):
        label[18:20, 0:2, 0:2] = 1

    choice = choose_postprocessing(pairs(stray), LABELS)
    given = [{"_target_": "FillHolesd", "keys": "pred"}]
    write_choice(choice, LABELS, given, tmp_path / "p.json")
    content = json.loads((tmp_path / "p.json").read_text())
    assert content["postprocessing"] == [*given, *choice.steps]
    assert "4 out-of-fold cases" in content["_desc_postprocessing"]
    assert "body 0.9929 → 1.0000" in content["_desc_postprocessing"]
