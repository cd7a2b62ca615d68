import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.data import MetaTensor

from lamina.inference import GridInferer
from lamina.transforms import ResizeInPlaned

OBLIQUE = torch.tensor(
    [[-0.5, 0.1, 0, 4.0], [0.1, 0.75, 0, -9.0], [0, 0, 2.0, 1.0], [0, 0, 0, 1]], dtype=torch.float64
)


@given(st.integers(1, 90), st.integers(1, 90), st.integers(2, 64))
def test_the_longer_side_gets_the_size_and_the_ratio_stays(x, y, size):
    made = ResizeInPlaned("image", size)({"image": MetaTensor(torch.zeros(1, x, y))})["image"]
    assert max(made.shape[1:]) == size
    assert abs(min(made.shape[1:]) - max(size * min(x, y) / max(x, y), 1)) <= 0.5


def test_labels_keep_their_values_and_slices_their_number():
    label = torch.zeros(1, 13, 22, 5)
    label[:, 3:9, 4:15, 2] = 7
    image = MetaTensor(torch.rand(1, 13, 22, 5), affine=OBLIQUE)
    item = {"image": image, "label": MetaTensor(label, affine=OBLIQUE)}
    made = ResizeInPlaned(["image", "label"], 60, mode=["linear", "nearest"])(item)
    assert made["image"].shape == made["label"].shape == (1, 35, 60, 5)
    assert set(np.unique(made["label"].numpy())) == {0, 7}
    assert not made["label"][..., [0, 1, 3, 4]].any()


@pytest.mark.parametrize("shape", [(13, 22), (13, 22, 5)])
@pytest.mark.parametrize("size", [16, 60])
def test_the_inverse_restores_size_and_place(shape, size):
    smooth = torch.linspace(0, 1, shape[0]).reshape(-1, *[1] * (len(shape) - 1)).expand(shape)
    item = {"image": MetaTensor(smooth[None].clone(), affine=OBLIQUE)}
    transform = ResizeInPlaned("image", size)
    back = transform.inverse(transform(item))["image"]
    assert back.shape == item["image"].shape
    assert abs(back - item["image"]).max() < 0.08
    np.testing.assert_allclose(back.affine, item["image"].affine, atol=1e-6)
    assert not back.applied_operations


@pytest.mark.parametrize("shape", [(13, 22), (13, 22, 5)])
def test_labels_return_to_the_images_own_grid(shape):
    image = torch.zeros(1, *shape)
    image[:, 4:10, 6:17] = 1
    made = ResizeInPlaned("image", 66)({"image": MetaTensor(image, affine=OBLIQUE)})["image"]

    def network(windows):
        return 40 * torch.cat([0.5 - windows, windows - 0.5], 1)

    labels = GridInferer([32, 32])(made[None], network)[0]
    assert torch.equal(labels.float(), image)


def test_a_missing_key_is_passed_over_only_if_allowed():
    item = {"image": MetaTensor(torch.zeros(1, 4, 6))}
    assert "label" not in ResizeInPlaned(["image", "label"], 8, allow_missing_keys=True)(item)
    with pytest.raises(KeyError):
        ResizeInPlaned(["image", "label"], 8)(item)
