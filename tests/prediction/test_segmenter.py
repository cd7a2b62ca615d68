import json

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from lamina.cli import main
from lamina.errors import ConfigError, DataError, GeometryError, ReadError, WeightsError
from lamina.prediction.segmenter import Segmenter, load_segmenter
from lamina.tasks.catalogue import CHECKOUT

AFFINE = np.array([[-0.9, 0.1, 0, 20], [0.1, 1.0, 0, -30], [0, 0.05, 1.2, 7], [0, 0, 0, 1.0]])
CONFIG = CHECKOUT / "configs" / "inference.json"


@pytest.fixture(scope="module")
def task():
    task = json.loads((CHECKOUT / "configs/tasks/hippocampus_mr.json").read_text())
    task |= {"name": "balls", "title": "Balls"}
    task["network_def"] |= {"filters": [4, 8, 8, 8]}
    return task


@pytest.fixture(scope="module")
def weights(task, tmp_path_factory):
    torch.manual_seed(0)
    config = {"spatial_dims": 3, "num_classes": 3, "task": task, "network_def": "@task#network_def"}
    network = ConfigParser(config).get_parsed_content("network_def")
    path = tmp_path_factory.mktemp("weights") / "balls.pt"
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def volume(tmp_path_factory):
    values = np.random.default_rng(0).normal(100, 10, (34, 46, 30)).astype(np.float32)
    path = tmp_path_factory.mktemp("volume") / "a.nii.gz"
    nib.Nifti1Image(values, AFFINE).to_filename(path)
    return str(path)


@pytest.fixture(scope="module")
def segmenter(task, weights):
    return load_segmenter(CONFIG, weights, {"task": task})


def test_the_case_lies_on_the_images_own_grid(segmenter, volume):
    case = segmenter.segment(volume, "a")
    assert case.label.shape == (34, 46, 30)
    assert case.label.dtype == np.uint8
    assert len(np.unique(case.label)) > 1
    np.testing.assert_allclose(case.affine, AFFINE, atol=1e-6)
    np.testing.assert_allclose(case.image[0], nib.load(volume).get_fdata(), rtol=1e-6)
    assert [label.name for label in case.labels] == ["background", "anterior", "posterior"]
    assert (case.name, case.address, case.task, case.has_spacing) == ("a", volume, "balls", True)
    assert case.measure is segmenter.measure


def test_it_is_what_predict_writes(segmenter, task, weights, volume, tmp_path):
    (tmp_path / "balls.json").write_text(json.dumps(task))
    words = ["predict", str(tmp_path / "balls.json"), volume, "--weights", str(weights)]
    assert main([*words, "-o", str(tmp_path / "out")]) == 0
    expected = np.asarray(nib.load(tmp_path / "out" / "a.nii.gz").dataobj)
    np.testing.assert_array_equal(segmenter.segment(volume, "a").label, expected)
    about = json.loads((tmp_path / "out" / "manifest.json").read_text())["about"]
    assert about["weights_hash"] == segmenter.about["weights_hash"]


def test_it_reports_progress_of_this_image_alone(segmenter, tmp_path):
    volume, fractions = str(tmp_path / "a.nii"), []
    nib.Nifti1Image(np.ones((34, 46, 30), np.float32), np.diag([-1, 2, 1, 1])).to_filename(volume)
    segmenter.segment(volume, "a", fractions.append)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    count = len(fractions)
    segmenter.segment(volume, "a")
    assert len(fractions) == count


def test_other_ids_of_the_config_count(task, weights, volume):
    changes = {"task": task, "displayable_configs#threshold": 1.01}
    case = load_segmenter(CONFIG, weights, changes).segment(volume, "a")
    assert not case.label.any()


def test_a_config_that_makes_no_sense_is_refused(task, weights):
    with pytest.raises(ConfigError, match="overlap"):
        load_segmenter(CONFIG, weights, {"task": task, "overlap": 3})


def test_weights_of_another_network_are_refused(task, tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(WeightsError, match="another network"):
        load_segmenter(CONFIG, tmp_path / "other.pt", {"task": task})


def test_after_an_image_that_fails_the_next_one_is_segmented(segmenter, volume, tmp_path):
    nib.Nifti1Image(np.full((4, 5, 6), np.nan), AFFINE).to_filename(tmp_path / "nan.nii.gz")
    with pytest.raises(ReadError, match="NaN"):
        segmenter.segment(str(tmp_path / "nan.nii.gz"), "nan")
    assert segmenter.segment(volume, "a").label.shape == (34, 46, 30)


def other(segmenter, **changes):
    names = ("evaluator", "preprocessing", "labels", "about", "pixel_size", "measure")
    return Segmenter(**{name: getattr(segmenter, name) for name in names} | changes)


def test_an_image_that_the_preprocessing_is_not_made_for_is_named(segmenter, volume):
    def resize(_):
        raise ValueError("2 axes, got 3")

    with pytest.raises(DataError, match=r"a.nii.gz: the preprocessing of balls .* 2 axes, got 3"):
        other(segmenter, preprocessing=resize).segment(volume, "a")


def test_a_label_map_on_another_grid_is_refused(segmenter, volume):
    class Evaluator:
        inferer = state = type("Any", (), {})()

        def run(self):
            self.state.output = {"pred": torch.zeros(1, 34, 46, 29)}

    message = r"the image has 34×46×30 voxels, its label 34×46×29\n  → let the post-processing"
    with pytest.raises(GeometryError, match=message):
        other(segmenter, evaluator=Evaluator()).segment(volume, "a")


def test_the_size_of_a_pixel_must_make_sense(segmenter):
    with pytest.raises(ConfigError, match="pixel_size"):
        other(segmenter, pixel_size=[0.5])
