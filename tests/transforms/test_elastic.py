import pytest
import torch

from lamina.transforms import RandElasticBatchd

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
def test_image_and_label_move_alike(shape):
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
