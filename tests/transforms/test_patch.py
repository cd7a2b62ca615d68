import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.errors import DataError
from lamina.tasks.labels import IGNORED
from lamina.transforms.patch import RandPatchd, cut


def numbered(*shape):
    """An image whose voxels tell where they were."""
    return torch.arange(1.0, 1 + int(np.prod(shape))).reshape(1, *shape)


def item(*shape, foreground=()):
    label = torch.zeros(1, *shape)
    for voxel in foreground:
        label[(0, *voxel)] = 1
    return {"image": numbered(*shape), "label": label, "case": "a"}


@given(
    shape=st.tuples(*[st.integers(1, 12)] * 3),
    size=st.tuples(*[st.integers(1, 12)] * 3),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_cut_holds_the_centre_and_pads_only_what_is_missing(shape, size, data):
    centre = tuple(data.draw(st.integers(0, extent - 1)) for extent in shape)
    image = numbered(*shape)
    patch = cut(image, centre, size)
    assert patch.shape == (1, *size)
    inside = np.prod([min(s, n) for s, n in zip(size, shape, strict=True)])
    assert int((patch > 0).sum()) == inside
    assert image[(0, *centre)] in patch


def test_cut_equals_plain_slicing_in_the_middle():
    image = numbered(10, 20, 30)
    assert torch.equal(cut(image, (5, 10, 15), (4, 6, 8)), image[:, 3:7, 7:13, 11:19])


def test_patch_of_image_and_label_come_from_one_place():
    cutter = RandPatchd(["image", "label"], patch_size=[4, 5, 6])
    cutter.set_random_state(seed=0)
    volume = numbered(10, 20, 30)
    for _ in range(20):
        patch = cutter({"image": volume, "label": volume})
        assert torch.equal(patch["image"], patch["label"])
        assert patch["image"].shape == (1, 4, 5, 6)


def test_foreground_1_always_holds_foreground():
    cutter = RandPatchd(["image", "label"], patch_size=[4, 4, 4], foreground=1.0)
    cutter.set_random_state(seed=0)
    case = item(20, 24, 28, foreground=[(2, 3, 27)])
    assert all(cutter(case)["label"].sum() == 1 for _ in range(20))


def test_foreground_0_lies_anywhere():
    cutter = RandPatchd(["image", "label"], patch_size=[4, 4, 4], foreground=0.0)
    cutter.set_random_state(seed=0)
    case = item(20, 24, 28, foreground=[(2, 3, 27)])
    assert sum(float(cutter(case)["label"].sum()) for _ in range(40)) < 10


def test_rare_classes_are_found_as_often_as_frequent_ones():
    label = torch.ones(1, 20, 24, 28)
    label[0, 4, 5, 6] = 7
    cutter = RandPatchd(["image", "label"], patch_size=[2, 2, 2], foreground=1.0)
    cutter.set_random_state(seed=0)
    found = sum(
        bool((cutter({"image": label, "label": label})["label"] == 7).any()) for _ in range(60)
    )
    assert 18 < found < 42


def test_slices_of_a_volume_for_a_2d_network():
    cutter = RandPatchd(["image", "label"], patch_size=[10, 20], foreground=1.0)
    cutter.set_random_state(seed=0)
    case = item(10, 20, 30, foreground=[(1, 2, 17)])
    patch = cutter(case)
    assert torch.equal(patch["image"], case["image"][..., 17])


def test_pictures_and_padding():
    cutter = RandPatchd(["image", "label"], patch_size=[16, 8])
    patch = cutter(item(10, 20))
    assert patch["image"].shape == (1, 16, 8)
    assert (patch["image"][0, :3] == 0).all()
    assert (patch["image"][0, 3:13] > 0).all()


def test_no_foreground_is_no_error():
    cutter = RandPatchd(["image", "label"], patch_size=[4, 4], foreground=1.0)
    assert cutter(item(10, 20))["label"].sum() == 0


def test_same_seed_same_patches_and_the_item_is_untouched():
    case = item(10, 20, 30, foreground=[(1, 2, 3)])
    before = case["image"].clone()
    first, second = (
        RandPatchd(["image", "label"], [4, 4, 4]).set_random_state(seed=5) for _ in "ab"
    )
    for _ in range(5):
        assert torch.equal(first(case)["image"], second(case)["image"])
    assert torch.equal(case["image"], before)
    assert first(case)["case"] == "a"


def test_too_flat_for_the_network_names_case_and_remedy():
    with pytest.raises(
        DataError, match=r"case a has 2 axes, but the patches have 3\n.*--spatial_dims 2"
    ):
        RandPatchd(["image", "label"], [4, 4, 4])(item(10, 20))


@pytest.mark.parametrize("foreground", [0.0, 1.0])
def test_centres_lie_where_something_was_annotated(foreground):
    given = item(12, 12, foreground=[(3, 4)])
    given["label"][:, 6:] = IGNORED
    cutter = RandPatchd(["image", "label"], [1, 1], foreground=foreground)
    cutter.set_random_state(0)
    seen = {int(cutter(given)["label"]) for _ in range(40)}
    assert seen == ({1} if foreground else {0, 1} & seen)
    assert IGNORED not in seen
