import numpy as np
import pytest
import torch
from tests.label.conftest import write_label

from lamina.label.active_learning import (
    DiceScores,
    MostUncertain,
    UncertaintyScores,
    uncertainty,
    unscored,
)
from lamina.label.datastore import FINAL
from lamina.label.infer import LaminaInferTask

SHAPE = (34, 46, 30)


@pytest.fixture
def save(datastore, tmp_path):
    def keep(tag, values, names=("Left ball", "Ball")):
        info = [{"name": name, "idx": place} for place, name in enumerate(names, 1)]
        file = write_label(tmp_path / "label.nii.gz", values)
        datastore.save_label("a", file, tag, {"label_info": info})

    return keep


def test_dice_by_name_and_not_by_number(datastore, work, save):
    found = np.zeros(SHAPE)
    found[:10], found[10:20] = 1, 2
    save("original", found)
    save(FINAL, np.array([0, 2, 1])[found.astype(int)], ("Ball", "Left ball"))
    scores = DiceScores(work.tasks())({}, datastore)
    assert scores == {"a": {"balls": {"Left ball": 1.0, "Ball": 1.0}}}
    assert datastore.get_image_info("a")["dice"] == scores["a"]


def test_missed_false_and_absent(datastore, work, save):
    truth, found = np.zeros(SHAPE), np.zeros(SHAPE)
    truth[:8], found[4:12] = 1, 1
    save(FINAL, truth)
    save("original", found)
    score = DiceScores(work.tasks())({}, datastore)["a"]["balls"]
    assert score["Left ball"] == pytest.approx(2 * 4 / (8 + 8))
    assert score["Ball"] is None
    save("original", 2 * found)
    score = DiceScores(work.tasks())({}, datastore)["a"]["balls"]
    assert score == {"Left ball": 0.0, "Ball": 0.0}


def test_images_with_one_label_have_no_score(datastore, work, save):
    save(FINAL, np.ones(SHAPE))
    assert DiceScores(work.tasks())({}, datastore) == {}
    assert DiceScores(work.tasks())({"y": "original"}, datastore) == {}


def test_labels_of_different_tasks_are_not_compared(datastore, work, save):
    save(FINAL, np.ones(SHAPE), ("NFL",))
    save("original", np.ones(SHAPE), ("Ball",))
    assert DiceScores(work.tasks())({}, datastore) == {"a": {}}


@pytest.fixture
def segmenters(work):
    return {name: t.segmenter(t.models.current, {}) for name, t in work.tasks().items()}


@pytest.fixture
def infer(work, tmp_path):
    return LaminaInferTask(work.tasks()["balls"], tmp_path)


def test_it_lies_between_sure_and_knowing_nothing(segmenters, datastore):
    score, means = uncertainty(segmenters["balls"], datastore.studies.address("a"))
    assert 0 < score < np.log(3)
    assert means == "mirror images"


def test_dropout_is_used_where_there_is_some_and_is_off_again(segmenters, datastore):
    segmenter, address = segmenters["layers"], datastore.studies.address("a")
    score, means = uncertainty(segmenter, address)
    assert means == "dropout"
    assert uncertainty(segmenter, address) == (score, means)
    assert not any(module.training for module in segmenter.network.modules())


class Sure(torch.nn.Module):
    """Says class 0 wherever it looks."""

    def forward(self, inputs):
        scores = torch.zeros(len(inputs), 3, *inputs.shape[2:])
        scores[:, 0] = 50
        return scores


class Left(torch.nn.Module):
    """Says class 0 on the left of the window and class 1 on the right: mirrors disagree."""

    def forward(self, inputs):
        scores = torch.zeros(len(inputs), 3, *inputs.shape[2:])
        half = inputs.shape[2] // 2
        scores[:, 0, :half], scores[:, 1, half:] = 50, 50
        return scores


def test_a_sure_network_is_sure_and_one_that_mirrors_turn_over_is_not(segmenters, datastore):
    segmenter, address = segmenters["balls"], datastore.studies.address("a")
    segmenter.evaluator.network = Sure()
    assert uncertainty(segmenter, address)[0] == pytest.approx(0, abs=1e-4)
    segmenter.evaluator.network = Left()
    # Of the four passes the one that is mirrored along x disagrees: entropy of (3/4, 1/4).
    expected = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert uncertainty(segmenter, address)[0] == pytest.approx(expected, rel=0.1)


def test_each_image_is_scored_once_for_a_version(infer, datastore):
    scores = UncertaintyScores(infer)({}, datastore)
    assert set(scores) == {"a", "b"}
    assert UncertaintyScores(infer)({}, datastore) == {}
    infer.task.models.publish(infer.task.models.current)
    assert unscored(datastore, infer) == ["a", "b"]


def test_the_most_uncertain_comes_first(infer, datastore):
    told = {"version": "model_v1.pt", "by": "mirror images"}
    datastore.update_image_info("a", {"uncertainty": {"balls": {**told, "score": 0.1}}})
    datastore.update_image_info("b", {"uncertainty": {"balls": {**told, "score": 0.4}}})
    strategy = MostUncertain(infer, lambda: pytest.fail("nothing is to be scored"))
    assert strategy({}, datastore) == {"id": "b", "score": 0.4, "without_score": 0}


def test_until_there_are_scores_the_first_comes_and_scoring_starts(infer, datastore):
    started = []
    sample = MostUncertain(infer, lambda: started.append(True))({}, datastore)
    assert sample == {"id": "a", "score": 0.0, "without_score": 2}
    assert started == [True]


def test_with_a_label_each_there_is_nothing_to_hand_out(infer, datastore, tmp_path):
    for image in "ab":
        label = write_label(tmp_path / "label.nii.gz", np.ones((34, 46, 30)))
        datastore.save_label(image, label, "final", {"model": "balls"})
    assert MostUncertain(infer, lambda: None)({}, datastore) == {}


def test_an_image_that_fails_comes_last_with_its_reason(infer, datastore):
    path = datastore.studies.folder / "c.nii.gz"
    path.write_bytes((datastore.studies.folder / "a.nii.gz").read_bytes()[:20000])
    scores = UncertaintyScores(infer)({}, datastore)
    assert scores["c"] == 0
    assert "c.nii.gz" in datastore.get_image_info("c")["uncertainty"]["balls"]["by"]
