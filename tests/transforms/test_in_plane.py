import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.data import MetaTensor

from lamina.errors import DataError
from lamina.inference.grid_inferer import GridInferer
from lamina.transforms.in_plane import NeighbourSlicesd, ResizeInPlaned

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


AFFINE = torch.tensor([[-0.5, 0.1, 0, 4], [0.1, 0.75, 0, -9], [0, 0, 2.0, 1], [0, 0, 0, 1]])


@pytest.fixture
def volume():
    return MetaTensor(torch.rand(1, 5, 7, 6), affine=AFFINE)


def test_channels_are_the_slices_before_at_and_behind(volume):
    made = NeighbourSlicesd("image", count=5)({"image": volume})["image"]
    assert made.shape == (5, 5, 7, 6)
    for z in range(6):
        for channel, shift in enumerate((-2, -1, 0, 1, 2)):
            expected = volume[0, ..., min(max(z + shift, 0), 5)]
            assert torch.equal(made[channel, ..., z], expected)


def test_one_slice_is_its_own_neighbour(volume):
    picture = volume[..., 2]
    made = NeighbourSlicesd("image")({"image": picture})["image"]
    assert all(torch.equal(channel, picture[0]) for channel in made)
    assert torch.equal(NeighbourSlicesd("image", count=1)({"image": volume})["image"], volume)


def test_the_place_in_space_is_kept_and_the_original_untouched(volume):
    before = volume.clone()
    made = NeighbourSlicesd("image")({"image": volume})["image"]
    assert torch.equal(made.affine, volume.affine)
    assert torch.equal(volume, before)


def test_a_2d_network_goes_over_the_slices_with_their_neighbours(volume):
    made = NeighbourSlicesd("image")({"image": volume})["image"]

    def brighter_than_the_slice_before(windows):
        return torch.stack([windows[:, 0], windows[:, 1]], 1)

    labels = GridInferer([8, 8])(made[None], brighter_than_the_slice_before)[0, 0]
    expected = torch.zeros(5, 7, 6)
    expected[..., 1:] = (volume[0, ..., 1:] > volume[0, ..., :-1]).float()
    assert torch.equal(labels.float(), expected)


def test_wrong_use_is_told(volume):
    with pytest.raises(DataError, match="odd number"):
        NeighbourSlicesd("image", count=2)
    with pytest.raises(DataError, match="2 channels, expected 1"):
        NeighbourSlicesd("image")({"image": torch.cat([volume, volume])})
    assert NeighbourSlicesd("image", allow_missing_keys=True)({"a": 1}) == {"a": 1}
