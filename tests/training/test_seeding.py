import itertools
import random
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import torch
from monai.transforms import Compose, RandGaussianNoised

from lamina.training.seeding import EpochSeed, epoch_seed
from lamina.transforms.augment_batches import RandIntensityBatchd


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


def batch_of(epoch, rank, monkeypatch):
    """What one process draws in one epoch: an image's own noise, and the batch's augmentation."""
    monkeypatch.setattr("ignite.distributed.get_rank", lambda: rank)
    transform = Compose([RandGaussianNoised(keys="image", prob=1.0)])
    engine = SimpleNamespace(state=SimpleNamespace(epoch=epoch))
    EpochSeed(5, transform)(engine)
    item = transform({"image": torch.zeros(1, 4, 4)})["image"]
    ramp = torch.arange(60.0).reshape(2, 1, 6, 5)
    whole = {"image": ramp, "label": torch.ones(2, 1, 6, 5)}
    return item, RandIntensityBatchd(noise=0.1)(whole)["image"]


def test_each_process_augments_differently_and_again_the_same(monkeypatch):
    draws = {
        (epoch, rank): batch_of(epoch, rank, monkeypatch)
        for epoch in range(1, 4)
        for rank in range(3)
    }
    for one, two in itertools.combinations(draws, 2):
        for first, second in zip(draws[one], draws[two], strict=True):
            assert not torch.equal(first, second), (one, two)
    again = batch_of(2, 1, monkeypatch)
    for first, second in zip(draws[2, 1], again, strict=True):
        assert torch.equal(first, second)


WORKERS = """
import itertools
from types import SimpleNamespace

import torch
from monai.data import DataLoader, Dataset
from monai.transforms import Compose, RandGaussianNoised

from lamina.training.seeding import EpochSeed


def draw_epoch(epoch):
    transform = Compose([RandGaussianNoised(keys="image", prob=1.0)])
    data = Dataset([{"image": torch.zeros(1, 4, 4)}] * 6, transform)
    EpochSeed(5, transform)(SimpleNamespace(state=SimpleNamespace(epoch=epoch)))
    return [batch["image"] for batch in DataLoader(data, batch_size=1, num_workers=2)]


first, second = draw_epoch(1), draw_epoch(2)
pairs = itertools.combinations([*first, *second], 2)
print(any(torch.equal(one, two) for one, two in pairs))
print(all(torch.equal(one, two) for one, two in zip(first, draw_epoch(1), strict=True)))
"""


def test_each_worker_augments_differently_and_again_the_same():
    """In a process of its own: a fork of one in which many libraries run threads may crash."""
    done = subprocess.run(
        [sys.executable, "-c", WORKERS], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.stdout.split() == ["False", "True"], done.stderr


def test_epochs_and_seeds_differ():
    seeds = {epoch_seed(seed, epoch) for seed in range(20) for epoch in range(200)}
    assert len(seeds) == 20 * 200
    assert max(seeds) < 2**32


def test_a_transform_without_randomness_is_fine():
    EpochSeed(0, lambda x: x)(Engine)
