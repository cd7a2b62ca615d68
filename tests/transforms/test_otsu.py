import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.data import MetaTensor
from monai.transforms import CropForegroundd
from skimage.filters import threshold_otsu

from lamina.inference import GridInferer
from lamina.transforms import above_otsu


@given(st.integers(0, 2**32 - 1), st.floats(0.5, 4000), st.floats(-2000, 2000))
def test_scale_and_shift_do_not_matter(seed, scale, shift):
    image = torch.as_tensor(np.random.default_rng(seed).normal(size=(1, 9, 7)) > 0.4).double()
    image = image + 0.2 * torch.as_tensor(np.random.default_rng(seed).random((1, 9, 7)))
    assert torch.equal(above_otsu(image), above_otsu(image * scale + shift))


def test_it_is_scikit_images_threshold():
    image = torch.as_tensor(np.random.default_rng(0).gamma(2, 3, (1, 20, 30)))
    assert torch.equal(above_otsu(image), image > threshold_otsu(image.numpy()))


def test_an_image_of_one_value_is_kept_whole():
    image = MetaTensor(torch.full((1, 5, 7), 3.0), affine=torch.eye(4))
    assert above_otsu(image).all()
    crop = CropForegroundd(["image"], source_key="image", select_fn=above_otsu, margin=1)
    assert crop({"image": image})["image"].shape[1:] >= (5, 7)


@pytest.mark.parametrize("shape", [(31, 22), (31, 22, 19)])
def test_a_crop_is_undone_on_the_images_own_grid(shape):
    box = tuple(slice(4 + 2 * i, 11 + 2 * i) for i in range(len(shape)))
    image = torch.zeros(1, *shape)
    image[(0, *box)] = 100
    crop = CropForegroundd(
        ["image"], source_key="image", select_fn=above_otsu, margin=2, allow_smaller=True
    )
    small = crop(
        {"image": MetaTensor(image, affine=torch.diag(torch.tensor([0.5, 2.0, 3.0, 1.0])))}
    )
    assert small["image"].shape[1:] == (11,) * len(shape)

    def network(windows):
        return torch.cat([50 - windows, windows - 50], 1)

    labels = GridInferer([16] * len(shape))(small["image"][None], network)[0, 0]
    assert torch.equal(labels.bool(), image[0] > 50)
