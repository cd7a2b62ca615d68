"""How many epochs a budget of minutes allows, by a measured training step."""

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.inferers import SimpleInferer
from monai.losses import DiceCELoss

from lamina.inference.precision import AutocastInferer, to_device

TRAINING_SHARE = 0.75
"""Of the time; the rest is reading, validation and the end."""
EPOCHS = (10, 400)
STEPS = 500
"""Steps that a training should have before its batches grow: fewer hardly learn anything."""
SMALLEST_BATCH = {2: 4, 3: 2}


@dataclass(frozen=True)
class Budget:
    """What a training may take: minutes on this machine, gigabytes of memory."""

    minutes: float = 30.0
    memory_gb: float = 8.0

    @property
    def seconds(self) -> float:
        """Of training steps."""
        return self.minutes * 60 * TRAINING_SHARE


@dataclass(frozen=True)
class Schedule:
    """How a training goes, and why it is that long."""

    batch: int
    epochs: int
    rate: float
    reason: str


def schedule(
    patches: int, most: int, dims: int, seconds: float, budget: Budget, cases: int
) -> Schedule:
    """Return the batch size, the epochs and the learning rate that fit the time.

    Parameters
    ----------
    patches, cases
        Patches of an epoch, and cases to train on.
    most
        The largest batch that the memory allows.
    dims
        2 or 3.
    seconds
        Time that training takes for one patch.
    budget
        Time and memory that are available.

    Examples
    --------
    >>> plan = schedule(140, 8, 3, 0.03, Budget(minutes=10), 140)
    >>> plan.batch, plan.epochs, plan.rate
    (8, 107, 0.003)
    """
    affordable = int(budget.seconds / STEPS / seconds)
    batch = max(min(max(affordable, SMALLEST_BATCH[dims]), most, max(patches, 1)), 1)
    epoch = patches * seconds
    epochs = int(np.clip(int(budget.seconds / epoch), *EPOCHS))
    rate = float(np.clip(0.003 * math.sqrt(batch / 8), 0.001, 0.004))
    reason = (
        f"what {budget.minutes:g} minutes allow: a patch takes {seconds:.2g} s here, an epoch of "
        f"{cases} cases {epoch:.2g} s; from {EPOCHS[0]} to {EPOCHS[1]}"
    )
    return Schedule(batch, epochs, round(rate, 4), reason)


TIMED_STEPS = 4
TIMED = 2
"""Patches of a step that is timed: on a CPU time grows with their number, and large ones take long."""


def seconds_per_patch(
    network_def: Mapping[str, Any], patch: Sequence[int], batch: int, classes: int, channels: int
) -> float:
    """Return the seconds that training takes for a patch, the median of a few steps.

    Parameters
    ----------
    network_def
        As in a task file.
    patch, batch
        Voxels along each axis of a patch, and the most patches of a step.
    classes
        The background among them.
    channels
        Of an image.
    """
    batch = min(batch, TIMED)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    config = {"n": dict(network_def), "spatial_dims": len(patch), "num_classes": classes}
    parser = ConfigParser(config | {"task": {"in_channels": channels}})
    network = to_device(parser.get_parsed_content("n"), device, len(patch))
    inferer, loss_of = AutocastInferer(SimpleInferer()), DiceCELoss(to_onehot_y=True, softmax=True)
    optimizer = torch.optim.AdamW(network.parameters())
    images = torch.rand(batch, channels, *patch, device=device)
    labels = torch.randint(0, classes, (batch, 1, *patch), device=device)
    seconds = []
    for _ in range(TIMED_STEPS):
        started = time.perf_counter()
        optimizer.zero_grad()
        loss = loss_of(inferer(images, network), labels)
        loss.backward()
        optimizer.step()
        loss.item()  # waits for a GPU
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[1:]) / batch
