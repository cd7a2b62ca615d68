import numpy as np
import pytest
from tests.label.conftest import write_label

from lamina.label.datastore import FINAL
from lamina.label.score import DiceScores

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
