import nibabel as nib
import numpy as np
import pytest
import torch
from monai.transforms import Compose
from tests.label.conftest import AFFINE, read

from lamina.cli import main
from lamina.errors import DataError, ReadError, WeightsError
from lamina.label.predictor import Predictor, labelled_case, options_of, preprocessed


@pytest.fixture
def task(work):
    return work.tasks()["balls"]


def test_the_label_lies_on_the_images_own_grid(task, datastore):
    case = Predictor(task, task.models.current, {}).predict(datastore.studies.address("a"), "a")
    assert case.label.shape == (34, 46, 30)
    assert case.label.dtype == np.uint8
    np.testing.assert_allclose(case.affine, AFFINE, atol=1e-6)
    assert [label.name for label in case.labels] == ["background", "Left ball", "Ball"]


def test_it_is_what_predict_writes(task, datastore, small_tasks, tmp_path):
    address = datastore.studies.address("b")
    case = Predictor(task, task.models.current, {}).predict(address, "b")
    words = ["-o", str(tmp_path / "own"), "--weights", str(task.models.current)]
    assert main(["predict", str(small_tasks["balls"]), address, *words]) == 0
    np.testing.assert_array_equal(case.label, read(tmp_path / "own" / "b.nii.gz"))


def test_two_tasks_in_one_process_keep_apart(work, datastore):
    found = {}
    for name in ("balls", "layers", "balls"):
        task = work.tasks()[name]
        predictor = Predictor(task, task.models.current, {})
        label = predictor.predict(datastore.studies.address("a"), "a").label
        if name in found:
            np.testing.assert_array_equal(label, found[name])
        found[name] = label
    assert found["layers"].max() > 2


def test_options_have_the_defaults_of_the_config(task):
    assert options_of(task) == {"keep_largest": False, "smoothing": 0.0, "threshold": 0.0}


def test_a_threshold_that_nothing_reaches_leaves_nothing(task, datastore):
    predictor = Predictor(task, task.models.current, {"threshold": 1.01})
    assert not predictor.predict(datastore.studies.address("a"), "a").label.any()


def test_weights_of_another_network_are_refused(task, tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(WeightsError, match="another network"):
        Predictor(task, tmp_path / "other.pt", {})


def test_after_an_image_that_fails_the_next_one_is_segmented(task, datastore, tmp_path):
    predictor = Predictor(task, task.models.current, {})
    nib.Nifti1Image(np.full((4, 5, 6), np.nan), AFFINE).to_filename(tmp_path / "nan.nii.gz")
    with pytest.raises(ReadError, match="NaN"):
        predictor.predict(str(tmp_path / "nan.nii.gz"), "nan")
    assert predictor.predict(datastore.studies.address("a"), "a").label.shape == (34, 46, 30)


def test_a_label_of_any_origin_becomes_a_case(task, datastore):
    label = np.zeros((34, 46, 30), np.uint8)
    case = labelled_case(task, datastore.studies.address("a"), "a.balls", label)
    assert (case.name, case.task, case.has_spacing) == ("a.balls", "balls", True)
    assert case.image.shape == (1, 34, 46, 30)


def test_an_image_that_the_preprocessing_is_not_made_for_is_named(task):
    def resize(_):
        raise ValueError("2 axes, got 3")

    with pytest.raises(DataError, match=r"a.nii: the preprocessing of balls .* 2 axes, got 3"):
        preprocessed(Compose([resize]), {"image": "a.nii"}, task.name)
