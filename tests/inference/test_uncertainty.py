import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor
from monai.transforms import Compose, Rotated, Spacingd
from tests.inference.test_grid_inferer import image_of

from lamina.errors import ConfigError
from lamina.inference.backends import BackendInferer
from lamina.inference.grid_inferer import GridInferer
from lamina.inference.uncertainty import (
    EnsembleUncertainty,
    Uncertaintyd,
    classes_of,
    entropy,
    with_uncertainty_channels,
)

SIZE = {"roi_size": (16, 12, 16), "overlap": 0.25, "sw_batch_size": 3}


def network(seed, classes=4, scale=8.0):
    torch.manual_seed(seed)
    made = torch.nn.Conv3d(1, classes, 3, padding=1).requires_grad_(False).eval()
    made.weight *= scale
    return made


@pytest.fixture
def files(tmp_path):
    for seed in range(3):
        torch.save(network(seed).state_dict(), tmp_path / f"{seed}.pt")
    return [str(tmp_path / f"{seed}.pt") for seed in range(3)]


def found_by(inferer, image, network, files):
    labels = BackendInferer(inferer, "torch", files)(image, network)
    values, number = inferer.disagreement.take()
    return labels, values, number


def mutual_information(chances):
    """The reference, of (predictions, classes, …)."""

    def entropies(p, axis):
        return -(p * np.log(np.maximum(p, 1e-30))).sum(axis=axis)

    gained = entropies(chances.mean(axis=0), 0) - entropies(chances, 1).mean(axis=0)
    return gained / math.log(min(chances.shape[:2]))


def test_the_map_is_the_mutual_information_of_class_and_network(files):
    image = image_of((14, 12, 15))[None]
    inferer = GridInferer(**SIZE, disagreement=EnsembleUncertainty(3))
    _, values, _ = found_by(inferer, image, network(9), files)
    chances = np.stack([network(seed)(image).softmax(dim=1)[0].numpy() for seed in range(3)])
    assert values.shape == (1, 14, 12, 15)
    # One window, so that nothing overlaps; its padding touches the convolution's border alone.
    inner = (slice(None), slice(1, -1), slice(1, -1), slice(1, -1))
    np.testing.assert_allclose(
        values.float().numpy()[inner], mutual_information(chances)[None][inner], atol=2e-3
    )


def test_labels_are_those_that_come_without_it(files):
    image = image_of((40, 23, 31))[None]
    with_it = GridInferer(**SIZE, disagreement=EnsembleUncertainty(6, [0]), mirror_axes=[0])
    labels, values, _ = found_by(with_it, image, network(9), files)
    without = GridInferer(**SIZE, mirror_axes=[0])
    assert torch.equal(labels, BackendInferer(without, "torch", files)(image, network(9)))
    assert 0 <= values.min() < values.max() <= 1


def test_probabilities_are_those_that_come_without_it(files):
    image = image_of((40, 23, 31))[None]
    with_it = GridInferer(**SIZE, disagreement=EnsembleUncertainty(3), probabilities=True)
    labels, _, _ = found_by(with_it, image, network(9), files)
    without = GridInferer(**SIZE, probabilities=True)
    assert torch.equal(labels, BackendInferer(without, "torch", files)(image, network(9)))


class Says(torch.nn.Module):
    """Says class 1 in a box, sure of it; the box is the network's weights."""

    def __init__(self, low=0, high=0):
        super().__init__()
        self.box = torch.nn.Parameter(torch.tensor([low, high], dtype=torch.float32), False)

    def forward(self, images):
        place = images[:, 0]
        inside = (place >= self.box[0]) & (place < self.box[1])
        return 100 * torch.stack([~inside, inside], dim=1).float()


def place_image(shape):
    """An image whose values are the index along x."""
    along = torch.arange(float(shape[0])).reshape(-1, 1, 1).expand(shape)
    return MetaTensor(along[None, None].clone())


def boxes(folder, *ends):
    for index, (low, high) in enumerate(ends):
        torch.save(Says(low, high).state_dict(), folder / f"{index}.pt")
    return [str(folder / f"{index}.pt") for index in range(len(ends))]


@pytest.mark.parametrize(
    ("ends", "dice"),
    [([(4, 24), (9, 29)], 0.75), ([(4, 24), (4, 24)], 1.0), ([(2, 9), (9, 16)], 0)],
)
def test_the_number_is_one_minus_the_dice_of_two(tmp_path, ends, dice):
    inferer = GridInferer(**SIZE, disagreement=EnsembleUncertainty(2))
    files = boxes(tmp_path, *ends)
    _, values, number = found_by(inferer, place_image((40, 23, 31)), Says(), files)
    assert number == pytest.approx(1 - dice, abs=2e-3)
    sure = values[0, :, 0, 0].float()
    either = [sum(low <= x < high for low, high in ends) for x in range(40)]
    assert sure.tolist() == pytest.approx([float(count == 1) for count in either], abs=1e-3)


def test_of_three_it_is_the_mean_over_pairs(tmp_path):
    files = boxes(tmp_path, (4, 24), (9, 29), (4, 24))
    inferer = GridInferer(**SIZE, disagreement=EnsembleUncertainty(3))
    _, _, number = found_by(inferer, place_image((40, 23, 31)), Says(), files)
    assert number == pytest.approx(1 - (0.75 + 1 + 0.75) / 3, abs=2e-3)


def test_an_image_without_structures_is_no_doubt(tmp_path):
    files = boxes(tmp_path, (99, 100), (99, 101))
    inferer = GridInferer(**SIZE, disagreement=EnsembleUncertainty(2))
    _, values, number = found_by(inferer, place_image((40, 23, 31)), Says(), files)
    assert number == 0
    assert values.max() == 0


def test_mirror_images_disagree_too():
    image = place_image((16, 12, 16))
    inferer = GridInferer(**SIZE, mirror_axes=[0], disagreement=EnsembleUncertainty(1, [0]))
    _, values, number = found_by(inferer, image, Sided(), [])
    assert number == pytest.approx(1, abs=2e-3)
    assert values.min() > 0.99


class Sided(torch.nn.Module):
    """Says class 1 in the first half of a window, whatever it shows."""

    def forward(self, images):
        scores = torch.zeros(len(images), 2, *images.shape[2:])
        half = images.shape[2] // 2
        scores[:, 1, :half], scores[:, 0, half:] = 100, 100
        return scores


def test_it_comes_back_to_the_images_own_grid(files):
    """By slabs and by MONAI's inverse of everything at once, the map is the same."""
    scan = image_of((30, 26, 20), affine=np.diag([1.0, -1.5, 2.0, 1.0]))
    spaced = Compose([Spacingd("image", pixdim=(1.4, 1.2, 1.6))])
    turned = Compose([*spaced.transforms, Rotated("image", angle=[1e-9, 0, 0])])
    results = []
    for how in (spaced, turned):
        inferer = GridInferer(**SIZE, preprocessing=how, disagreement=EnsembleUncertainty(3))
        made = how({"image": scan})["image"][None]
        results.append(found_by(inferer, made, network(9), files)[1:])
    (slabs, first), (whole, second) = results
    assert slabs.shape == whole.shape == (1, 30, 26, 20)
    inner = (0, slice(3, -3), slice(3, -3), slice(3, -3))
    assert (slabs[inner].float() - whole[inner].float()).abs().mean() < 0.02
    assert first == pytest.approx(second, abs=0.02)


def test_pictures_and_slices(tmp_path):
    torch.manual_seed(0)
    flat = torch.nn.Conv2d(1, 3, 3, padding=1).requires_grad_(False)
    for shape in ((1, 1, 20, 15), (1, 1, 20, 15, 4)):
        inferer = GridInferer((8, 8), mirror_axes=[1], disagreement=EnsembleUncertainty(1, [1]))
        inferer(torch.rand(shape), flat)
        values, number = inferer.disagreement.take()
        assert values.shape == shape[1:]
        assert 0 < number < 1


def test_an_image_that_failed_leaves_nothing_to_the_next():
    disagreement = EnsembleUncertainty(2)
    disagreement.keep(torch.ones(1, 2, 2), 0.9)
    inferer = GridInferer(**SIZE, disagreement=disagreement)
    inferer(torch.rand(1, 1, 16, 12, 16), network(1))
    found = Uncertaintyd("pred", disagreement)({"pred": 1})
    assert found["uncertainty_map"].shape == (1, 16, 12, 16)
    assert found["uncertainty"] < 0.9
    with pytest.raises(IndexError):
        disagreement.take()


def test_one_prediction_is_refused():
    with pytest.raises(ConfigError, match="has no disagreement to measure\n  → add --tta mirror"):
        EnsembleUncertainty(1)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=6).filter(lambda x: sum(x) > 0))
def test_entropy_is_that_of_the_definition(values):
    shares = torch.tensor(values, dtype=torch.float64)
    shares = shares / shares.sum()
    expected = -sum(p * math.log(p) for p in shares.tolist() if p > 0)
    assert float(entropy(shares, 0)) == pytest.approx(expected, abs=1e-9)


def test_channels():
    said = with_uncertainty_channels(network(1))(torch.rand(2, 1, 6, 5, 4))
    assert said.shape == (2, 10, 6, 5, 4)
    assert classes_of(10) == 4
    torch.testing.assert_close(said[:, 4:8].sum(dim=1), torch.ones(2, 6, 5, 4))
