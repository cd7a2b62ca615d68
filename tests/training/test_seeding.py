import random

import numpy as np
import torch
from monai.transforms import Compose, RandGaussianNoised

from lamina.training.seeding import EpochSeed, epoch_seed


class Engine:
    class state:
        epoch = 3


def draw(transform):
    noise = transform({"image": torch.zeros(1, 4, 4)})["image"].sum().item()
    return random.random(), np.random.rand(), torch.rand(1).item(), noise


def test_an_epoch_draws_the_same_whatever_came_before():
    transform = Compose([RandGaussianNoised(keys="image", prob=1.0)])
    seed = EpochSeed(5, transform)
    seed(Engine)
    first = draw(transform)
    draw(transform)
    seed(Engine)
    assert draw(transform) == first


def test_epochs_and_seeds_differ():
    seeds = {epoch_seed(seed, epoch) for seed in range(20) for epoch in range(200)}
    assert len(seeds) == 20 * 200
    assert max(seeds) < 2**32


def test_a_transform_without_randomness_is_fine():
    EpochSeed(0, lambda x: x)(Engine)
