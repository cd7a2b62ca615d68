import nibabel as nib
import numpy as np
import pytest
from monai.transforms import Compose, EnsureChannelFirstd, Lambdad, LoadImaged, ScaleIntensityd
from PIL import Image

from lamina.cases import CaseReader, read_image
from lamina.output import read_case as module
from lamina.output.read_case import read_case

AFFINE = np.array([[0, -2.0, 0.1, 4], [1.5, 0, 0, 5], [0, 0.1, 3, 6], [0, 0, 0, 1]])


@pytest.fixture
def volume(tmp_path):
    values = np.random.default_rng(0).integers(-900, 900, (6, 7, 8)).astype(np.int16)
    nib.Nifti1Image(values, AFFINE).to_filename(tmp_path / "a.nii.gz")
    return str(tmp_path / "a.nii.gz")


def case(path, *steps, channels=1, first=True):
    load = LoadImaged("image", reader=CaseReader(channels=channels), ensure_channel_first=first)
    steps = steps if first else [EnsureChannelFirstd("image"), *steps]
    return Compose([load, *steps]), {"image": path}


def test_the_image_is_not_read_twice(volume, monkeypatch):
    read = read_case(*case(volume, ScaleIntensityd("image")))
    expected, grid = read_image(volume)
    monkeypatch.setattr(module, "read_image", lambda *_: pytest.fail("read again"))
    values, found = read.source(volume)
    np.testing.assert_array_equal(values, expected[None])
    np.testing.assert_allclose(found.affine, grid.affine)
    assert (found.shape, found.unit) == (grid.shape, grid.unit)
    assert float(read.item["image"].max()) == 1


def test_an_image_that_a_transform_wrote_into_is_read_again(volume):
    read = read_case(*case(volume, Lambdad("image", lambda x: x.mul_(2))))
    values, grid = read.source(volume)
    np.testing.assert_array_equal(values, read_image(volume)[0][None])
    assert grid.shape == (6, 7, 8)


def test_a_transform_of_another_kind_works_too(volume):
    read = read_case(lambda item: item | {"seen": True}, {"image": volume})
    assert read.item["seen"]
    np.testing.assert_array_equal(read.source(volume)[0], read_image(volume)[0][None])


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_come_with_their_channels_first(tmp_path, channels, first):
    colours = np.random.default_rng(1).integers(0, 255, (5, 9, 3)).astype(np.uint8)
    Image.fromarray(colours).save(tmp_path / "a.png")
    path = str(tmp_path / "a.png")
    values, grid = read_case(*case(path, channels=channels, first=first)).source(path)
    assert values.shape == (channels, 9, 5)
    assert (grid.shape, grid.unit) == ((9, 5), "px")
    if channels == 3:
        np.testing.assert_array_equal(values, colours.T)


def test_it_says_how_long_it_took(volume):
    assert read_case(*case(volume)).seconds > 0
