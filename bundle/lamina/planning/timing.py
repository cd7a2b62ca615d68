"""How long a training step takes on this machine: measured, not computed."""

import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from monai.bundle import ConfigParser
from monai.inferers import SimpleInferer
from monai.losses import DiceCELoss

from lamina.inference import AutocastInferer, place

STEPS = 4


def seconds_per_step(
    network_def: Mapping[str, Any], patch: Sequence[int], batch: int, classes: int
) -> float:
    """Return the seconds of one training step, the median of a few after the first.

    Parameters
    ----------
    network_def
        As in a task file.
    patch, batch
        Voxels along each axis of a patch, and patches of a step.
    classes
        The background among them.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    config = {"n": dict(network_def), "spatial_dims": len(patch), "num_classes": classes}
    parser = ConfigParser(config | {"task": {"in_channels": 1}})
    network = place(parser.get_parsed_content("n"), device, len(patch))
    inferer, loss_of = AutocastInferer(SimpleInferer()), DiceCELoss(to_onehot_y=True, softmax=True)
    optimizer = torch.optim.AdamW(network.parameters())
    images = torch.rand(batch, 1, *patch, device=device)
    labels = torch.randint(0, classes, images.shape, device=device)
    seconds = []
    for _ in range(STEPS):
        started = time.perf_counter()
        optimizer.zero_grad()
        loss = loss_of(inferer(images, network), labels)
        loss.backward()
        optimizer.step()
        loss.item()  # waits for a GPU
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[1:])
