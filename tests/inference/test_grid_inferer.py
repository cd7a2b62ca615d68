import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor, list_data_collate
from monai.transforms import (
    Compose,
    CropForegroundd,
    DivisiblePadd,
    EnsureTyped,
    Flipd,
    Orientationd,
    Resized,
    ResizeWithPadOrCropd,
    Rotated,
    ScaleIntensityd,
    Spacingd,
    SpatialPadd,
)

from lamina.errors import DataError
from lamina.inference.grid_inferer import GridInferer, plain_probabilities
from lamina.inference.windows import WindowInferer

CLASSES = 4


@pytest.fixture(scope="module", params=[2, 3])
def dims(request):
    return request.param


def network_of(dims, classes=CLASSES):
    torch.manual_seed(1)
    kind = {2: torch.nn.Conv2d, 3: torch.nn.Conv3d}[dims]
    return torch.nn.Sequential(
        kind(1, 6, 3, padding=1), torch.nn.ReLU(), kind(6, classes, 3, padding=1)
    )


def image_of(shape, affine=None, seed=0):
    """A smooth random image: labels come in patches, as they do in life."""
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, 1, *[max(n // 4, 2) for n in shape], generator=rng)
    mode = {2: "bilinear", 3: "trilinear"}[len(shape)]
    values = torch.nn.functional.interpolate(coarse, size=shape, mode=mode)[0] * 3
    affine = np.eye(4) if affine is None else affine
    meta = {"original_affine": affine, "spatial_shape": np.array(shape)}
    return MetaTensor(values, affine=affine, meta=meta)


def oblique_affine(order, flips, spacing, angle):
    """Axes of any order and direction, turned by some degrees out of the scanner's."""
    turn = np.eye(4)
    c, s = np.cos(angle), np.sin(angle)
    turn[:3, :3] = [[c, -s, 0], [s, c, 0], [0, 0, 1]]
    axes = np.zeros((4, 4))
    for axis, (to, flip, length) in enumerate(zip(order, flips, spacing, strict=True)):
        axes[to, axis] = length * flip
    axes[:, 3] = [3, -20, 7, 1]
    return turn @ axes


def both(image, transforms, roi, **settings):
    """Labels by the plain inverse of all probabilities, slab by slab, and those probabilities."""
    preprocessing = Compose([*transforms, EnsureTyped("image")])
    item = preprocessing({"image": image})["image"]
    network = network_of(len(roi))
    with torch.no_grad():
        scores = WindowInferer(roi, **settings)(item[None], network)[0]
    probabilities = plain_probabilities(scores, item, preprocessing)
    inputs = list_data_collate([item])
    found = GridInferer(roi, preprocessing, **settings)(inputs, network)[0]
    slabs = GridInferer(roi, preprocessing, **settings, probabilities=True)(inputs, network)[0]
    torch.testing.assert_close(slabs, probabilities, rtol=0, atol=1e-4, check_dtype=False)
    return probabilities.argmax(0, keepdim=True), found, probabilities


def assert_same(plain, found):
    assert found.shape == plain.shape
    assert found.dtype == torch.uint8
    assert (plain != found).float().mean() < 2e-3  # ties alone
    assert len(found.unique()) > 1


@settings(max_examples=25, deadline=None)
@given(
    order=st.permutations(range(3)),
    flips=st.tuples(*[st.sampled_from([-1, 1])] * 3),
    spacing=st.tuples(*[st.floats(0.5, 2.5)] * 3),
    angle=st.floats(-0.6, 0.6),
    pixdim=st.tuples(*[st.floats(0.6, 2)] * 3),
    mode=st.sampled_from(["gaussian", "constant"]),
    overlap=st.sampled_from([0, 0.25, 0.5]),
)
def test_any_orientation_and_spacing(order, flips, spacing, angle, pixdim, mode, overlap):
    image = image_of((17, 22, 13), oblique_affine(order, flips, spacing, angle))
    transforms = [Orientationd("image", "RAS", labels=None), Spacingd("image", pixdim)]
    assert_same(*both(image, transforms, (8, 12, 9), mode=mode, overlap=overlap)[:2])


STEPS = {
    "crop": lambda: CropForegroundd("image", "image", select_fn=lambda x: x > 0.5),
    "crop and pad": lambda: CropForegroundd(
        "image", "image", select_fn=lambda x: x > 0.5, k_divisible=8, allow_smaller=False
    ),
    "pad": lambda: SpatialPadd("image", (20, 31, 25)),
    "flip": lambda: Flipd("image", 1),
    "resize": lambda: Resized("image", (14, 15, 16), mode="trilinear"),
    "spacing": lambda: Spacingd("image", (1.4, 1.1, 0.8)),
    "zeros": lambda: Spacingd("image", (1.4, 1.1, 0.8), padding_mode="zeros"),
    "orientation": lambda: Orientationd("image", "LPI", labels=None),
    "divisible": lambda: DivisiblePadd("image", 8),
    "crop or pad": lambda: ResizeWithPadOrCropd("image", (12, 30, 15)),
}


@settings(max_examples=30, deadline=None)
@given(names=st.lists(st.sampled_from(sorted(STEPS)), max_size=4))
@example(names=["crop and pad", "spacing", "orientation", "crop or pad"])
def test_any_row_of_transforms(names):
    affine = oblique_affine((1, 2, 0), (-1, 1, -1), (0.7, 1.1, 1.9), 0.3)
    image = image_of((17, 22, 13), affine)
    plain, found, probabilities = both(image, [STEPS[name]() for name in names], (8, 12, 9))
    assert found.shape == plain.shape
    best = probabilities.gather(0, plain.long())
    assert (best - probabilities.gather(0, found.long())).max() < 1e-5
    # Just outside of a crop all classes have rounding errors for probabilities.
    assert ((plain != found) & (best > 1e-6)).float().mean() < 2e-3


@pytest.mark.parametrize("steps", [[], ["spacing"], ["orientation"], ["crop", "spacing", "pad"]])
def test_2d_networks_go_over_slices_of_volumes(steps):
    image = image_of((17, 22, 13), oblique_affine((0, 1, 2), (-1, 1, 1), (1, 0.8, 2), 0.2))
    assert_same(*both(image, [STEPS[name]() for name in steps], (12, 16))[:2])


@pytest.mark.parametrize("batch", [1, 3, 50])
@pytest.mark.parametrize("steps", [[], [lambda: Resized("image", (20, 50), mode="bilinear")]])
def test_pictures(steps, batch):
    image = image_of((33, 40))
    assert_same(*both(image, [step() for step in steps], (16, 16), sw_batch_size=batch)[:2])


def test_an_image_smaller_than_a_window():
    image = image_of((7, 22, 5), oblique_affine((2, 0, 1), (1, -1, 1), (1, 2, 3), 0.1))
    transforms = [Orientationd("image", "RAS", labels=None)]
    assert_same(*both(image, transforms, (9, 16, 16))[:2])


def test_where_labels_differ_the_best_classes_are_as_probable():
    affine = oblique_affine((1, 0, 2), (1, -1, 1), (0.8, 0.8, 1.5), 0.2)
    plain, found, chances = both(image_of((30, 26, 20), affine), [STEPS["spacing"]()], (16, 16, 16))
    lost = chances.gather(0, plain.long()) - chances.gather(0, found.long())
    assert lost.abs().max() < 1e-5


def test_a_turned_image_takes_the_plain_way(caplog):
    image = image_of((17, 22, 13))
    with caplog.at_level("INFO"):
        plain, found, _ = both(image, [Rotated("image", (0.1, 0.2, 0.3))], (8, 12, 9))
    assert (plain == found).all()
    assert "Rotate is not known" in caplog.text


def test_without_preprocessing_a_turned_image_is_refused():
    turned = Rotated("image", (0.1, 0.2, 0.3))({"image": image_of((9, 10, 11))})["image"]
    with pytest.raises(DataError, match="Rotate is not known.*\n.*name the preprocessing"):
        GridInferer((8, 8, 8))(turned[None], network_of(3))


def test_the_result_lies_where_the_image_lay():
    affine = oblique_affine((1, 0, 2), (1, -1, 1), (0.8, 0.8, 1.5), 0.2)
    transforms = [Orientationd("image", "RAS", labels=None), STEPS["spacing"]()]
    _, found, _ = both(image_of((20, 12, 9), affine), transforms, (8, 8, 8))
    assert found.shape == (1, 20, 12, 9)
    np.testing.assert_allclose(found.affine, affine)
    assert found.applied_operations == []


def test_an_image_without_a_batch_record_as_monai_label_gives_it():
    item = STEPS["spacing"]()({"image": image_of((17, 22, 13))})["image"]
    network, inferer = network_of(3), GridInferer((8, 12, 9))
    (labels,) = inferer(item[None], network)
    (batched,) = inferer(list_data_collate([item]), network)
    assert (labels == batched).all()
    np.testing.assert_allclose(labels.affine, np.eye(4))


def test_several_images_of_one_size():
    items = [STEPS["spacing"]()({"image": image_of((17, 22, 13), seed=i)})["image"] for i in (1, 2)]
    network, inferer = network_of(3), GridInferer((8, 12, 9))
    together = inferer(list_data_collate(items), network)
    for item, labels in zip(items, together, strict=True):
        assert (inferer(item[None], network)[0] == labels).all()


def test_many_classes_take_a_larger_type():
    class Many(torch.nn.Module):
        def forward(self, x):
            return torch.cat([-((x * 90 - i) ** 2) for i in range(300)], dim=1)

    image = MetaTensor(torch.linspace(0, 3.3, 12 * 10 * 4).reshape(1, 12, 10, 4))
    labels = GridInferer((8, 8, 4))(image[None], Many())[0]
    assert labels.max() > 255
    assert (labels[0].int() == (image[0] * 90).round().clamp(max=299)).float().mean() > 0.99


def test_a_3d_network_on_a_picture_says_what_to_do():
    with pytest.raises(DataError, match="2 axes, but the network 3\n.*--spatial_dims 2"):
        GridInferer((8, 8, 8))(torch.rand(1, 1, 9, 9), network_of(3))


def test_normalised_inputs_leave_no_trace():
    image = image_of((9, 10, 11))
    assert_same(*both(image, [ScaleIntensityd("image")], (8, 8, 8))[:2])
