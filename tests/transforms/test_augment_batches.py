import math

import pytest
import torch

from lamina.transforms.augment_batches import (
    RandAffineBatchd,
    RandElasticBatchd,
    RandIntensityBatchd,
)


class Fixed(RandAffineBatchd):
    """The transform with chosen amounts in place of random ones: the upper bounds themselves."""

    def __call__(self, batch):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch, "rand", lambda *size: torch.full(_shape(size), 1.0 - 1e-7))
            return super().__call__(batch)


def _shape(size):
    return size[0] if isinstance(size[0], (tuple, list)) else size


def batch_of(image):
    return {"image": image[None, None].float(), "label": image[None, None].round()}


@pytest.fixture
def volume():
    """A smooth volume, so that interpolation hardly matters; a cube, so that it can be turned."""
    torch.manual_seed(0)
    coarse = torch.rand(1, 1, 5, 5, 5)
    fine = torch.nn.functional.interpolate(coarse, size=(20, 20, 20), mode="trilinear")
    return fine[0, 0] * 4


def test_nothing_asked_changes_nothing(volume):
    batch = batch_of(volume[:, :12, :7])
    moved = RandAffineBatchd()(batch)
    torch.testing.assert_close(moved["image"], batch["image"], atol=1e-5, rtol=1e-5)
    assert torch.equal(moved["label"], batch["label"])


def test_prob_0_moves_nothing(volume):
    batch = batch_of(volume[:, :12, :7])
    moved = RandAffineBatchd(rotate_range=1.0, scale_range=0.5, translate_range=0.3, prob=0.0)(
        batch
    )
    torch.testing.assert_close(moved["image"], batch["image"], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("plane", "axes"), [(0, (0, 1)), (1, (0, 2)), (2, (1, 2))], ids=["x-y", "x-z", "y-z"]
)
def test_quarter_turn_equals_rot90(volume, plane, axes):
    angles = [0.0, 0.0, 0.0]
    angles[plane] = math.pi / 2
    turn = Fixed(rotate_range=angles)
    turn.prob = 2.0
    moved = turn(batch_of(volume))["image"][0, 0]
    either = [torch.rot90(volume, k, axes) for k in (1, -1)]
    assert min(float((moved - turned).abs().max()) for turned in either) < 1e-3


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_flip_equals_torch_flip(volume, axis):
    part = volume[:, :12, :7]
    flip = RandAffineBatchd(flip_axes=[axis])
    torch.manual_seed(1)
    seen = [flip(batch_of(part))["image"][0, 0] for _ in range(12)]
    mirrored = part.flip(axis)
    kinds = {
        "same" if torch.allclose(x, part, atol=1e-4) else "mirrored"
        for x in seen
        if torch.allclose(x, part, atol=1e-4) or torch.allclose(x, mirrored, atol=1e-4)
    }
    assert kinds == {"same", "mirrored"}
    assert all(
        torch.allclose(x, part, atol=1e-4) or torch.allclose(x, mirrored, atol=1e-4) for x in seen
    )


def test_translation_is_a_fraction_of_the_size():
    image = torch.zeros(20, 10)
    image[10, 5] = 1
    shift = Fixed(translate_range=[0.25, 0.0])
    shift.prob = 2.0
    where = torch.nonzero(shift(batch_of(image))["image"][0, 0] > 0.5).tolist()
    assert where in ([[5, 5]], [[15, 5]])


def test_angles_hold_in_millimetres_where_voxels_are_not_cubes():
    """A bar of 24 mm along x, turned by 90° in space, is 24 mm long along y: 6 voxels of 4 mm."""
    image = torch.zeros(41, 21)
    image[8:33, 10] = 1
    turn = Fixed(rotate_range=math.pi / 2, spacing=[1.0, 4.0])
    turn.prob = 2.0
    moved = turn(batch_of(image))["image"][0, 0]
    along_x, along_y = (int((moved.sum(dim) > 0.2).sum()) for dim in (1, 0))
    assert along_y in (6, 7)
    assert along_x <= 8


def test_image_and_label_move_alike(volume):
    torch.manual_seed(3)
    mask = (volume > volume.mean()).float()
    batch = {
        "image": mask[None, None].repeat(4, 1, 1, 1, 1),
        "label": mask[None, None].repeat(4, 1, 1, 1, 1),
    }
    moved = RandAffineBatchd(0.5, 0.2, 0.1, 0.1, flip_axes=[0, 2])(batch)
    near = (moved["image"] > 0.5).float()
    agree = (near == moved["label"]).float().mean().item()
    assert agree > 0.97
    assert not torch.equal(moved["label"][0], moved["label"][1])
    assert set(moved["label"].unique().tolist()) <= {0.0, 1.0}


def test_label_keeps_its_type_and_the_batch_its_other_items():
    batch = {
        "image": torch.rand(2, 1, 6, 5),
        "label": torch.ones(2, 1, 6, 5, dtype=torch.uint8),
        "case": ["a", "b"],
    }
    moved = RandAffineBatchd(0.1)(batch)
    assert moved["label"].dtype == torch.uint8
    assert moved["case"] == ["a", "b"]


def test_seeded_alike_draws_alike():
    batch = {"image": torch.rand(2, 1, 6, 5), "label": torch.ones(2, 1, 6, 5)}
    results = []
    for _ in range(2):
        torch.manual_seed(7)
        moved = RandIntensityBatchd(0.3, 0.3, 0.3, 0.3)(RandAffineBatchd(0.4, 0.2)(batch))
        results.append(moved["image"])
    assert torch.equal(*results)


class TestIntensity:
    image = torch.rand(3, 2, 8, 7, 5, generator=torch.Generator().manual_seed(0))
    batch = {"image": image, "label": torch.ones(3, 1, 8, 7, 5)}

    def test_nothing_asked_changes_nothing(self):
        torch.testing.assert_close(RandIntensityBatchd()(self.batch)["image"], self.image)

    def test_brightness_shifts_by_at_most_so_many_deviations(self):
        torch.manual_seed(0)
        moved = RandIntensityBatchd(brightness=0.5)(self.batch)["image"]
        shift = moved - self.image
        deviation = self.image.std((2, 3, 4), keepdim=True)
        assert (shift.std((2, 3, 4)) < 1e-5).all()
        assert (shift.abs() <= 0.5 * deviation + 1e-5).all()
        assert (shift.abs() > 1e-4).any()

    def test_contrast_keeps_the_mean(self):
        torch.manual_seed(0)
        moved = RandIntensityBatchd(contrast=0.4)(self.batch)["image"]
        torch.testing.assert_close(moved.mean((2, 3, 4)), self.image.mean((2, 3, 4)))
        ratio = moved.std((2, 3, 4)) / self.image.std((2, 3, 4))
        assert ((ratio >= 0.6 - 1e-5) & (ratio <= 1.4 + 1e-5)).all()

    def test_gamma_keeps_order_and_range(self):
        torch.manual_seed(0)
        moved = RandIntensityBatchd(gamma=0.7)(self.batch)["image"]
        for before, after in zip(self.image, moved, strict=True):
            order = before.flatten().argsort()
            assert (after.flatten()[order].diff() >= -1e-6).all()
            torch.testing.assert_close(after.max(), before.max())
            torch.testing.assert_close(after.min(), before.min())

    def test_noise_is_as_strong_as_asked(self):
        torch.manual_seed(0)
        image = torch.randn(200, 1, 20, 20)
        moved = RandIntensityBatchd(noise=0.2)({"image": image, "label": image})["image"]
        strength = (moved - image).std((1, 2, 3))
        assert strength.max() < 0.25
        assert 0.07 < strength.mean() < 0.13

    def test_prob_chooses_samples(self):
        torch.manual_seed(0)
        image = torch.randn(400, 1, 4, 4)
        moved = RandIntensityBatchd(brightness=0.5, prob=0.25)({"image": image, "label": image})
        changed = ((moved["image"] - image).abs().amax((1, 2, 3)) > 1e-6).float().mean()
        assert 0.17 < changed < 0.33

    def test_a_constant_image_stays_finite(self):
        image = torch.full((2, 1, 4, 4), 3.0)
        moved = RandIntensityBatchd(0.3, 0.3, 0.3, 0.3)({"image": image, "label": image})["image"]
        torch.testing.assert_close(moved, image)


SHAPES = [(24, 17), (24, 17, 13)]


def batch(shape, count=3):
    image = torch.rand(count, 2, *shape)
    label = (torch.rand(count, 1, *shape) * 4).floor()
    return {"image": image, "label": label, "case": "kept"}


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_to_do_returns_the_same(shape):
    given = batch(shape)
    for transform in (RandElasticBatchd(prob=0.0), RandElasticBatchd(amount=0.0, prob=1.0)):
        made = transform(given)
        torch.testing.assert_close(made["image"], given["image"], atol=1e-5, rtol=0)
        torch.testing.assert_close(made["label"], given["label"])
        assert made["case"] == "kept"


@pytest.mark.parametrize("shape", SHAPES)
def test_image_and_label_move_alike_elastic(shape):
    torch.manual_seed(0)
    label = torch.zeros(4, 1, *shape)
    label[:, :, 6:18, 4:12] = 1
    made = RandElasticBatchd(prob=1.0)({"image": label.clone(), "label": label})
    assert (made["label"] != label).any()
    image, moved = made["image"], made["label"]
    assert (moved[image == 1] == 1).all()
    assert (moved[image == 0] == 0).all()
    assert ((image > 0.5) == moved.bool()).float().mean() > 0.98


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_folds_over_itself(shape):
    torch.manual_seed(1)
    grid = RandElasticBatchd(points=5, amount=0.25, prob=1.0).grid(8, torch.Size(shape))
    for axis in range(len(shape)):
        # the last coordinate is x, the first axis of the image z or y: they run in reverse
        steps = grid[..., len(shape) - 1 - axis].diff(dim=1 + axis)
        assert steps.min() > 0


def test_samples_differ_and_the_share_holds():
    torch.manual_seed(2)
    image = torch.rand(1, 1, 20, 16).repeat(400, 1, 1, 1)
    made = RandElasticBatchd(prob=0.3)({"image": image, "label": image})["image"]
    moved = (made - image).abs().amax(dim=(1, 2, 3)) > 1e-3
    assert 0.2 < moved.float().mean() < 0.4
    bent = made[moved]
    assert (bent[0] != bent[1]).any()


def test_the_seed_decides():
    given = batch(SHAPES[0])
    made = []
    for _ in range(2):
        torch.manual_seed(3)
        made.append(RandElasticBatchd(prob=1.0)(given)["image"])
    assert torch.equal(*made)
