"""How long training takes for a patch on this machine: measured, not computed."""

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
    network = place(parser.get_parsed_content("n"), device, len(patch))
    inferer, loss_of = AutocastInferer(SimpleInferer()), DiceCELoss(to_onehot_y=True, softmax=True)
    optimizer = torch.optim.AdamW(network.parameters())
    images = torch.rand(batch, channels, *patch, device=device)
    labels = torch.randint(0, classes, (batch, 1, *patch), device=device)
    seconds = []
    for _ in range(STEPS):
        started = time.perf_counter()
        optimizer.zero_grad()
        loss = loss_of(inferer(images, network), labels)
        loss.backward()
        optimizer.step()
        loss.item()  # waits for a GPU
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[1:]) / batch
