"""A small real training: MONAI's trainer, a tiny network, random data."""

import pytest
import torch
from monai.data import DataLoader, Dataset
from monai.engines import SupervisedTrainer
from monai.inferers import SimpleInferer
from monai.transforms import Compose, RandGaussianNoised

from lamina.training.checkpoints import RunCheckpoints
from lamina.training.history import History
from lamina.training.seeding import EpochSeed


class Stop(Exception):
    """A kill in the middle of an epoch."""


class StopAt:
    def __init__(self, iteration):
        self.iteration = iteration

    def attach(self, engine):
        from ignite.engine import Events

        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine):
        if engine.state.iteration == self.iteration:
            raise Stop


@pytest.fixture
def make_trainer(tmp_path):
    def make(epochs, stop_at=None, run_dir=tmp_path / "run", seed=0):
        from monai.handlers import LrScheduleHandler
        from monai.utils import set_determinism

        set_determinism(seed)
        generator = torch.Generator().manual_seed(1)
        data = [
            {
                "image": torch.rand(1, 8, 6, generator=generator),
                "label": torch.randint(0, 2, (1, 8, 6), generator=generator).float(),
            }
            for _ in range(7)
        ]
        transform = Compose([RandGaussianNoised(keys="image", prob=0.7)])
        network = torch.nn.Sequential(
            torch.nn.Conv2d(1, 3, 3, padding=1),
            torch.nn.BatchNorm2d(3),
            torch.nn.Dropout(0.3),
            torch.nn.Conv2d(3, 1, 1),
        )
        optimizer = torch.optim.AdamW(network.parameters(), lr=0.01)
        loader = DataLoader(Dataset(data, transform), batch_size=3, shuffle=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=0.01, total_steps=epochs * len(loader) + 1
        )
        handlers = [
            EpochSeed(seed, transform),
            LrScheduleHandler(schedule, epoch_level=False, print_lr=False),
            History(str(run_dir), optimizer, []),
            RunCheckpoints(str(run_dir), network, optimizer, schedule),
        ]
        return SupervisedTrainer(
            device=torch.device("cpu"),
            max_epochs=epochs,
            train_data_loader=loader,
            network=network,
            optimizer=optimizer,
            loss_function=torch.nn.BCEWithLogitsLoss(),
            inferer=SimpleInferer(),
            train_handlers=handlers + ([StopAt(stop_at)] if stop_at else []),
        )

    return make
