import pytest
import torch
from monai.data import MetaTensor

from lamina.errors import DataError
from lamina.inference import GridInferer
from lamina.transforms import NeighbourSlicesd

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
