import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import RemoveSmallObjects

from lamina.transforms import RemoveSmallPartsd


def label():
    values = torch.zeros(1, 8, 9, 10, dtype=torch.uint8)
    values[0, 1:3, 1:3, 1:3] = 1  # 8 voxels
    values[0, 6, 6, 6] = 1
    values[0, 7, 7, 7] = 1  # touches by a corner: 2 voxels
    values[0, 5, 1, 1] = 2
    return values


def test_small_parts_of_the_named_structures_go():
    given = label()
    made = RemoveSmallPartsd("pred", [1], 3)({"pred": given})["pred"]
    assert (made == 1).sum() == 8
    assert (made == 2).sum() == 1
    assert (given == 1).sum() == 10  # the given one is untouched
    assert made.dtype == torch.uint8


@pytest.mark.parametrize(("smallest", "left"), [(2, 10), (2.1, 8), (8, 8), (8.1, 0)])
def test_what_is_as_large_stays(smallest, left):
    assert (RemoveSmallPartsd("pred", [1], smallest)({"pred": label()})["pred"] == 1).sum() == left


def test_sizes_are_in_mm():
    image = MetaTensor(label(), affine=np.diag([-0.5, 2.0, 3.0, 1.0]))  # 3 mm³ a voxel
    made = RemoveSmallPartsd("pred", [1, 2], 6.5)({"pred": image})["pred"]
    assert (made == 1).sum() == 8
    assert (made == 2).sum() == 0
    np.testing.assert_array_equal(made.affine, image.affine)


def test_one_structure_is_as_monai_does_it():
    only = (label() == 1).to(torch.uint8)
    monai = RemoveSmallObjects(min_size=3)(only)
    assert torch.equal(RemoveSmallPartsd("pred", [1], 3)({"pred": only})["pred"], monai)
