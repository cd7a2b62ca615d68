import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import RemoveSmallObjects

from lamina.transforms.refine import MostProbabled, RemoveSmallComponentsd, SmoothLabelsd


@pytest.fixture
def probabilities():
    scores = torch.randn(3, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    return MetaTensor(scores.softmax(dim=0), affine=torch.diag(torch.tensor([1.0, 2, 3, 1])))


def test_without_a_threshold_it_is_the_arg_max(probabilities):
    label = MostProbabled("pred")({"pred": probabilities})["pred"]
    assert torch.equal(label, probabilities.argmax(dim=0, keepdim=True))
    assert torch.equal(label.affine, probabilities.affine)


def test_what_is_not_probable_enough_is_background(probabilities):
    label = MostProbabled("pred", 0.6)({"pred": probabilities})["pred"]
    sure = probabilities.max(dim=0, keepdim=True).values >= 0.6
    assert (label[~sure] == 0).all()
    assert torch.equal(label[sure], probabilities.argmax(dim=0, keepdim=True)[sure])


def ball(shape, spacing, radius):
    places = np.indices(shape) * np.reshape(spacing, (3, 1, 1, 1))
    middle = (np.array(shape) * spacing / 2).reshape(3, 1, 1, 1)
    return (np.linalg.norm(places - middle, axis=0) < radius).astype(np.float32)


def smooth(label, sigma, spacing):
    affine = torch.diag(torch.tensor([*spacing, 1.0]))
    image = MetaTensor(torch.as_tensor(label)[None], affine=affine)
    return SmoothLabelsd("pred", sigma)({"pred": image})["pred"][0]


def test_specks_and_holes_go_and_a_ball_stays():
    label = 2 * ball((24, 26, 28), (1, 1, 1), 8)
    dirty = label.copy()
    dirty[1, 1, 1], dirty[12, 13, 14] = 1, 0
    cleaned = np.asarray(smooth(dirty, 1.0, (1.0, 1.0, 1.0)))
    assert cleaned[1, 1, 1] == 0
    assert cleaned[12, 13, 14] == 2
    assert (cleaned != label).mean() < 0.01


def test_sigma_is_in_mm():
    """On a grid of thick slices a plane is kept, which the same number of voxels would remove."""
    label = np.zeros((20, 20, 5), np.float32)
    label[4:16, 4:16, 2] = 1
    assert smooth(label, 1.5, (1.0, 1.0, 6.0))[10, 10, 2] == 1
    assert smooth(label, 1.5, (1.0, 1.0, 0.5))[10, 10, 2] == 0


def test_a_picture_counts_in_pixels():
    label = torch.zeros(1, 9, 11)
    label[0, 2:7, 2:9] = 1
    assert torch.equal(SmoothLabelsd("pred", 0.3)({"pred": label})["pred"], label)


def test_what_is_as_probable_as_asked_for_stays():
    probabilities = torch.tensor([[0.5, 0.25], [0.5, 0.75]])[:, :, None]
    kept = MostProbabled("pred", threshold=0.75)({"pred": probabilities})["pred"]
    assert kept.flatten().tolist() == [0, 1]


def label():
    values = torch.zeros(1, 8, 9, 10, dtype=torch.uint8)
    values[0, 1:3, 1:3, 1:3] = 1  # 8 voxels
    values[0, 6, 6, 6] = 1
    values[0, 7, 7, 7] = 1  # touches by a corner: 2 voxels
    values[0, 5, 1, 1] = 2
    return values


def test_small_parts_of_the_named_structures_go():
    given = label()
    made = RemoveSmallComponentsd("pred", [1], 3)({"pred": given})["pred"]
    assert (made == 1).sum() == 8
    assert (made == 2).sum() == 1
    assert (given == 1).sum() == 10  # the given one is untouched
    assert made.dtype == torch.uint8


@pytest.mark.parametrize(("smallest", "left"), [(2, 10), (2.1, 8), (8, 8), (8.1, 0)])
def test_what_is_as_large_stays(smallest, left):
    assert (
        RemoveSmallComponentsd("pred", [1], smallest)({"pred": label()})["pred"] == 1
    ).sum() == left


def test_sizes_are_in_mm():
    image = MetaTensor(label(), affine=np.diag([-0.5, 2.0, 3.0, 1.0]))  # 3 mm³ a voxel
    made = RemoveSmallComponentsd("pred", [1, 2], 6.5)({"pred": image})["pred"]
    assert (made == 1).sum() == 8
    assert (made == 2).sum() == 0
    np.testing.assert_array_equal(made.affine, image.affine)


def test_one_structure_is_as_monai_does_it():
    only = (label() == 1).to(torch.uint8)
    monai = RemoveSmallObjects(min_size=3)(only)
    assert torch.equal(RemoveSmallComponentsd("pred", [1], 3)({"pred": only})["pred"], monai)


def test_a_component_in_a_tilted_volume_is_as_large_as_its_voxels_are():
    affine = np.diag([1.0, 1.0, 2.0, 1.0])
    affine[1, 2] = 2 * np.tan(np.radians(25))
    label = MetaTensor(torch.zeros(1, 5, 6, 7), affine=affine)
    label[0, 1:3, 2:4, 3] = 1
    assert not RemoveSmallComponentsd("pred", [1], 8.5)({"pred": label})["pred"].any()
    assert RemoveSmallComponentsd("pred", [1], 7.5)({"pred": label})["pred"].any()


def test_the_former_name_in_files_of_users_still_works():
    from monai.bundle import ConfigParser

    step = {"_target_": "lamina.transforms.RemoveSmallPartsd", "keys": "pred"}
    parser = ConfigParser({"step": step | {"applied_labels": [1], "smallest": 2}})
    assert isinstance(parser.get_parsed_content("step"), RemoveSmallComponentsd)
