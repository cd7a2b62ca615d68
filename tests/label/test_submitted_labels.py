import nibabel as nib
import numpy as np
import pytest

from lamina.errors import ConfigError
from lamina.label.errors import UnknownNameError
from lamina.label.submitted_labels import LabelFiles, labelled_case

AFFINE = np.array([[0, 2.0, 0, 1], [-1.0, 0, 0, 2], [0, 0, 3.0, 3], [0, 0, 0, 1]])


@pytest.fixture
def volume():
    return np.random.default_rng(0).integers(0, 3, (3, 4, 5))


def test_a_label_comes_back_with_its_names_and_place(tmp_path, volume):
    labels = LabelFiles(tmp_path)
    path = labels.save("final", "deep_a.1", volume, AFFINE, {"names": {1: "b", 2: "a"}})
    values, names = labels.read("final", "deep_a.1")
    np.testing.assert_array_equal(values, volume)
    assert names == {1: "b", 2: "a"}
    np.testing.assert_allclose(nib.load(path).affine, AFFINE)


def test_a_picture_is_a_png(tmp_path, volume):
    labels = LabelFiles(tmp_path)
    assert labels.save("final", "b", volume[..., 0], np.eye(4), {}).suffix == ".png"
    np.testing.assert_array_equal(labels.read("final", "b")[0], volume[..., 0])


def test_what_there_is(tmp_path, volume):
    labels = LabelFiles(tmp_path)
    assert labels.tags() == []
    labels.save("final", "b", volume[..., 0], np.eye(4), {})
    labels.save("final", "a", volume, AFFINE, {})
    labels.save("original", "a", volume, AFFINE, {})
    assert labels.tags() == ["final", "original"]
    assert labels.ids("final") == ["a", "b"]
    assert labels.ids("nothing") == []


def test_another_process_sees_it_at_once(tmp_path, volume):
    LabelFiles(tmp_path).save("final", "a", volume, AFFINE, {"client": "one"})
    other = LabelFiles(tmp_path)
    other.update_info("final", "a", {"seen": True})
    assert LabelFiles(tmp_path).info("final", "a") == {"client": "one", "seen": True}


def test_a_removed_label_is_gone(tmp_path, volume):
    labels = LabelFiles(tmp_path)
    labels.save("final", "a", volume, AFFINE, {"client": "one"})
    labels.remove("final", "a")
    assert labels.info("final", "a") == {}
    with pytest.raises(UnknownNameError, match="no label 'final' of 'a'"):
        labels.path("final", "a")


@pytest.mark.parametrize("tag", ["../final", "", "a/b", "."])
def test_a_tag_is_no_path(tmp_path, volume, tag):
    with pytest.raises(ConfigError, match="use final or original"):
        LabelFiles(tmp_path).save(tag, "a", volume, AFFINE, {})
    assert list(tmp_path.iterdir()) == []


def test_a_label_of_any_origin_becomes_a_case(work, datastore):
    label = np.zeros((34, 46, 30), np.uint8)
    task = work.tasks()["balls"]
    case = labelled_case(task, datastore.studies.address("a"), "a.balls", label)
    assert (case.name, case.task, case.has_spacing) == ("a.balls", "balls", True)
    assert case.image.shape == (1, 34, 46, 30)
