import nibabel as nib
import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.data import MetaTensor
from PIL import Image

from lamina.errors import GeometryError
from lamina.output import LabelWriter, save_label_image
from lamina.output.label_files import smallest_type

OBLIQUE = np.array(
    [[-0.7, 0.1, 0.2, 30.0], [0.1, 0.9, -0.3, -12.0], [0.05, 0.4, 2.5, 7.0], [0, 0, 0, 1]]
)


def test_a_volume_keeps_grid_and_values(tmp_path):
    label = np.random.default_rng(0).integers(0, 9, (10, 20, 30))
    path = save_label_image(label, OBLIQUE, tmp_path, "case")
    image = nib.load(path)
    assert path == tmp_path / "case.nii.gz"
    np.testing.assert_array_equal(np.asarray(image.dataobj), label)
    np.testing.assert_allclose(image.affine, OBLIQUE, atol=1e-6)
    assert image.get_data_dtype() == np.uint8
    assert image.header.get_xyzt_units()[0] == "mm"


def test_a_picture_lies_as_its_image(tmp_path):
    label = np.zeros((6, 4))
    label[5, 1] = 3
    path = save_label_image(label, np.eye(4), tmp_path, "p")
    assert Image.open(path).size == (6, 4)
    assert np.asarray(Image.open(path))[1, 5] == 3


@pytest.mark.parametrize(
    ("largest", "kind"), [(0, np.uint8), (255, np.uint8), (256, np.uint16), (70000, np.uint32)]
)
def test_the_smallest_type(largest, kind):
    assert smallest_type(largest) is kind


@pytest.mark.parametrize("label", [np.zeros((2, 2, 2, 2)), np.full((3, 3), 300)])
def test_what_fits_no_format_is_refused(tmp_path, label):
    with pytest.raises(GeometryError, match="label map of shape"):
        save_label_image(label, np.eye(4), tmp_path, "x")
    assert not list(tmp_path.iterdir())


def test_the_handler_writes_each_case_under_its_name(tmp_path):
    affine = torch.as_tensor(OBLIQUE)

    def step(engine, batch):
        return [
            {"pred": MetaTensor(torch.full((1, 3, 4, 5), case["n"]), affine=affine)}
            for case in batch
        ]

    engine = Engine(step)
    LabelWriter(str(tmp_path)).attach(engine)
    engine.run([[{"case": "a", "n": 1}, {"case": "b", "n": 2}]])
    for name, value in (("a", 1), ("b", 2)):
        image = nib.load(tmp_path / f"{name}.nii.gz")
        assert np.unique(np.asarray(image.dataobj)).tolist() == [value]
        np.testing.assert_allclose(image.affine, OBLIQUE, atol=1e-6)
