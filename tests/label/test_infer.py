import itk
import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from tests.label.conftest import AFFINE, read

from lamina.errors import ConfigError
from lamina.label.infer import LaminaInferTask, _value, write_result
from lamina.readers.grid import Grid
from lamina.tasks.labels import Label
from lamina.writers.segmented_case import SegmentedCase

LABELS = (Label(0, "background", (0, 0, 0)), Label(1, "a", (255, 0, 0)), Label(2, "b", (0, 9, 0)))


@pytest.fixture
def infer(work, tmp_path):
    (tmp_path / "results").mkdir()
    return LaminaInferTask(work.tasks()["balls"], tmp_path / "results")


@pytest.fixture
def request_(datastore):
    return {"address": datastore.studies.address("a"), "name": "a"}


def test_what_clients_show(infer):
    info = infer.info()
    assert info["labels"] == {"Left ball": 1, "Ball": 2}
    assert info["label_colors"]["Ball"] == [86, 180, 233]
    assert info["dimension"] == 3
    assert info["config"]["model_filename"] == ["model.pt", "model_v1.pt"]
    assert infer.is_valid()


def test_without_weights_it_is_not_offered(infer):
    for name in infer.task.models.names():
        (infer.task.models.folder / name).unlink()
    assert not infer.is_valid()
    assert infer.get_path() is None


def test_an_answer_names_what_it_holds(infer, request_):
    file, told = infer(request_)
    present = set(np.unique(read(file))) - {0}
    assert set(told["label_names"].values()) == present
    assert told["label_colors"].keys() == told["label_names"].keys()


def test_the_network_is_kept_until_something_else_is_asked_for(infer, request_):
    first = infer.segmenter(request_)
    assert infer.segmenter({**request_, "model_filename": ["model.pt"]}) is first
    assert infer.segmenter({**request_, "smoothing": 0}) is first
    assert infer.segmenter({**request_, "smoothing": 1}) is not first
    second = infer.segmenter(request_)
    infer.task.models.publish(infer.task.models.current)
    assert infer.segmenter(request_) is not second


@pytest.mark.parametrize(
    "option", [{"keep_largest": "maybe"}, {"smoothing": None}, {"threshold": "high"}]
)
def test_values_of_another_kind_are_refused(infer, request_, option):
    with pytest.raises(ConfigError, match="send "):
        infer({**request_, **option})


@pytest.mark.parametrize("text", ["$print(1)", "@weights", "%a.json"])
def test_a_text_that_would_run_in_a_config_is_refused(text):
    assert _value("mode", {"mode": "gaussian"}, "constant") == "gaussian"
    with pytest.raises(ConfigError, match="texts that run are for configs"):
        _value("mode", {"mode": text}, "constant")


def case(label, has_spacing=True):
    return SegmentedCase(
        "c",
        "c",
        label[None] * 1.0,
        label,
        Grid(label.shape, AFFINE, "mm" if has_spacing else "px"),
        LABELS,
    )


VOLUME = np.random.default_rng(0).integers(0, 3, (3, 4, 5)).astype(np.uint8)


def test_a_volume_is_nifti(tmp_path):
    path = write_result(case(VOLUME), tmp_path, "")
    assert path.name.endswith(".nii.gz")
    np.testing.assert_array_equal(read(path), VOLUME)
    np.testing.assert_allclose(nib.load(path).affine, AFFINE)


def test_a_volume_as_nrrd_has_the_names(tmp_path):
    path = write_result(case(VOLUME), tmp_path, ".seg.nrrd")
    image = itk.imread(str(path))
    np.testing.assert_array_equal(itk.array_from_image(image).T, VOLUME)
    assert (image["Segment0_Name"], image["Segment1_Name"]) == ("a", "b")
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_picture_is_png_and_as_nifti_lies_in_lps(tmp_path):
    picture = case(VOLUME[..., 0], has_spacing=False)
    png = write_result(picture, tmp_path, "")
    np.testing.assert_array_equal(np.asarray(Image.open(png)).T, VOLUME[..., 0])
    nifti = write_result(picture, tmp_path, ".nii.gz")
    np.testing.assert_array_equal(read(nifti), VOLUME[..., 0])
    np.testing.assert_array_equal(nib.load(nifti).affine, np.diag([-1, -1, 1, 1]))


def test_two_results_of_one_image_are_two_files(tmp_path):
    assert write_result(case(VOLUME), tmp_path, "") != write_result(case(VOLUME), tmp_path, "")


@pytest.mark.parametrize("extension", [".png", ".gipl", "../x.nii.gz"])
def test_other_formats_are_refused(tmp_path, extension):
    with pytest.raises(ConfigError, match="choose from .nii.gz, .seg.nrrd, .png"):
        write_result(case(VOLUME), tmp_path, extension)
    assert list(tmp_path.iterdir()) == []
