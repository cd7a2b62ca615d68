import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tests.label.conftest import read, write_label, write_volume

from lamina.errors import ConfigError, DataError, GeometryError
from lamina.label.datastore import FINAL
from lamina.label.errors import UnknownNameError
from lamina.label.submitted_labels import labelled_case
from lamina.writers.nrrd import write_nrrd

SHAPE = (34, 46, 30)


@pytest.fixture
def label(tmp_path):
    """A label with 1 in one half and 2 in the other."""
    values = np.ones(SHAPE, np.uint8)
    values[:, 20:] = 2
    return write_label(tmp_path / "label.nii.gz", values)


def test_images_and_labels_by_name(datastore, label):
    assert datastore.list_images() == ["a", "b"]
    assert datastore.get_unlabeled_images() == ["a", "b"]
    assert datastore.save_label("a", label, FINAL, {}) == "a"
    assert datastore.get_labeled_images() == ["a"]
    assert datastore.get_unlabeled_images() == ["b"]
    assert datastore.get_labels_by_image_id("a") == {"final": "a"}
    assert datastore.get_label_by_image_id("b", FINAL) == ""
    np.testing.assert_array_equal(read(datastore.get_label_uri("a", FINAL)), read(label))
    (pair,) = datastore.datalist()
    assert (pair["image"], pair["label"]) == (
        datastore.get_image_uri("a"),
        datastore.get_label_uri("a", FINAL),
    )


def test_a_label_replaces_the_one_before(datastore, label, tmp_path):
    datastore.save_label(
        "a",
        label,
        FINAL,
        {"label_info": [{"name": "Ball", "idx": 1}, {"name": "Left ball", "idx": 2}]},
    )
    other = write_label(tmp_path / "other.nii.gz", np.zeros(SHAPE))
    datastore.save_label("a", other, FINAL, {})
    values, names = datastore.labels.read(FINAL, "a")
    assert not values.any()
    assert names == {}


def test_the_model_that_a_label_came_from_gives_the_names(datastore, label):
    datastore.save_label("a", label, "original", {"model": "balls"})
    assert datastore.labels.read("original", "a")[1] == {1: "Left ball", 2: "Ball"}
    assert datastore.get_labeled_images() == []
    assert datastore.get_labeled_images("original") == ["a"]


@pytest.mark.parametrize(
    ("values", "info", "error", "message"),
    [
        (np.full(SHAPE, 9), {}, DataError, "the values 9"),
        (np.ones(SHAPE), {"label_info": [{"name": "liver", "idx": 1}]}, DataError, "liver"),
        (np.ones(SHAPE), {"label_info": [{"idx": 1}]}, DataError, "expected a name"),
        (np.ones(SHAPE[::-1]), {}, GeometryError, "30×46×34 voxels, its image 34×46×30"),
    ],
)
def test_a_label_that_does_not_fit_leaves_nothing(
    datastore, tmp_path, values, info, error, message
):
    wrong = write_label(tmp_path / "wrong.nii.gz", values)
    with pytest.raises(error, match=message):
        datastore.save_label("a", wrong, FINAL, info)
    assert not datastore.work.labels.exists()


def test_unknown_images_have_no_labels(datastore, label):
    for call in (
        lambda: datastore.save_label("c", label, FINAL, {}),
        lambda: datastore.get_image_uri("../a"),
        lambda: datastore.get_label_uri("a", FINAL),
        lambda: datastore.get_label_info("c", FINAL),
        lambda: datastore.update_label_info("a", FINAL, {"seen": True}),
        lambda: datastore.get_image_info("../../a"),
    ):
        with pytest.raises(UnknownNameError):
            call()


def test_what_is_known_is_kept_and_added_to(datastore, label):
    datastore.update_image_info("a", {"seen": 1})
    datastore.update_image_info("a", {"score": 0.5})
    assert datastore.get_image_info("a") == {"seen": 1, "score": 0.5}
    datastore.save_label("a", label, FINAL, {"client_id": "one"})
    datastore.update_label_info("a", FINAL, {"checked": True})
    told = datastore.json()["objects"]["a"]
    assert told["image"]["info"] == {"seen": 1, "score": 0.5}
    assert told["labels"]["final"]["info"]["checked"]
    assert json.dumps(datastore.json())


def test_the_status_counts(datastore, label):
    (Path(datastore.studies.folder) / "notes.txt").write_text("no image")
    datastore.save_label("a", label, FINAL, {})
    datastore.save_label("b", label, "original", {})
    status = datastore.status()
    assert (status["total"], status["completed"]) == (2, 1)
    assert status["label_tags"] == {"final": 1, "original": 1}
    assert [Path(one["path"]).name for one in status["unusable"]] == ["notes.txt"]


def test_labels_can_be_removed_and_studies_not(datastore, label):
    datastore.save_label("a", label, FINAL, {})
    datastore.remove_label("a", FINAL)
    assert datastore.get_labeled_images() == []
    with pytest.raises(ConfigError, match="deletes no studies"):
        datastore.remove_image("a")
    assert datastore.list_images() == ["a", "b"]


def test_a_new_image_gets_a_safe_name(datastore, tmp_path):
    write_volume(tmp_path / "upload.nii.gz", 3)
    name = datastore.add_image("../../Müller, A", str(tmp_path / "upload.nii.gz"), {"by": "me"})
    assert name == "Müller_A"
    assert (datastore.studies.folder / "Müller_A.nii.gz").is_file()
    assert datastore.get_image_info(name) == {"by": "me"}


def test_an_archive_holds_what_can_be_trained_on(datastore, label):
    datastore.save_label("b", label, FINAL, {})
    with zipfile.ZipFile(datastore.get_dataset_archive(None)) as archive:
        files = {name for name in archive.namelist() if not name.endswith("/")}
    assert files == {"images/b.nii.gz", "labels/b.nii.gz"}


def test_its_name_stands(datastore):
    assert datastore.name() == "Lamina"
    for call in (datastore.set_name, datastore.set_description):
        with pytest.raises(ConfigError):
            call("other")


def test_the_names_of_3d_slicers_own_file_count(datastore, tmp_path):
    """In a .seg.nrrd the file says which value is which segment, whatever the client's list says."""
    values = np.zeros(SHAPE, np.uint8)
    values[:5], values[5:9] = 1, 2
    task = datastore.work.tasks()["balls"]
    case = labelled_case(task, datastore.studies.address("a"), "sent", values)
    (path,) = write_nrrd(case, tmp_path)
    swapped = [{"name": "Ball", "idx": 1}, {"name": "Left ball", "idx": 2}]
    datastore.save_label("a", str(path), FINAL, {"label_info": swapped})
    kept, names = datastore.labels.read(FINAL, "a")
    np.testing.assert_array_equal(kept, values)
    assert names == {1: "Left ball", 2: "Ball"}
