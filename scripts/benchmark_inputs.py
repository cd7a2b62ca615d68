"""What the benchmark measures on: made-up scans with planted organs, and weights trained on them."""

from pathlib import Path

import nibabel as nib
import numpy as np
import torch
from monai.losses import DiceCELoss
from monai.networks.nets import UNet
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

SPACING = (0.8, 0.8, 1.5)
GRID = (1.5, 1.5, 2.0)
LOW, HIGH = -57.0, 164.0


def unet(dims: int, classes: int) -> UNet:
    """Return the network of the model zoo's spleen bundle, in 2D or 3D."""
    return UNet(
        dims, 1, classes, (16, 32, 64, 128, 256), (2, 2, 2, 2), num_res_units=2, norm="batch"
    )


def made_up_ct(
    shape: tuple[int, int, int], spacing: tuple[float, ...], classes: int, seed: int
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Return Hounsfield units and labels (x, y, z): ellipsoids in a body, each class as bright
    as its number says."""
    rng = np.random.default_rng(seed)
    size = np.array(shape) * spacing
    places = [np.arange(n, dtype=np.float32) * step for n, step in zip(shape, spacing, strict=True)]
    labels = np.zeros(shape, np.uint8)
    volume = np.full(shape, -1000, np.float32)
    _draw(volume, places, size / 2, size * [0.46, 0.42, 2.0], -40.0)
    for index in range(max(2 * classes, 12)):
        value = index % (classes - 1) + 1
        radii = rng.uniform(14, 42, 3)
        centre = size / 2 + size * [0.32, 0.28, 0.45] * rng.uniform(-1, 1, 3)
        _draw(volume, places, centre, radii, LOW + 20 + (HIGH - LOW - 20) * value / classes)
        _draw(labels, places, centre, radii, value)
    noise = rng.normal(0, min(12.0, 100 / classes), shape[:2] + (min(shape[2], 64),))
    volume += np.resize(noise.astype(np.float32).T, shape[::-1]).T
    return volume.astype(np.int16), labels


def _draw(
    array: NDArray[np.generic],
    places: list[NDArray[np.float32]],
    centre: NDArray[np.float64],
    radii: NDArray[np.float64],
    value: float,
) -> None:
    """Set an ellipsoid to ``value``."""
    parts, terms = [], []
    for axis, place in enumerate(places):
        low, high = np.searchsorted(place, [centre[axis] - radii[axis], centre[axis] + radii[axis]])
        parts.append(slice(low, high))
        term = ((place[low:high] - centre[axis]) / radii[axis]) ** 2
        terms.append(term.reshape([-1 if i == axis else 1 for i in range(3)]))
    array[tuple(parts)][terms[0] + terms[1] + terms[2] < 1] = value


def write_scan(
    path: Path,
    slices: int,
    classes: int,
    seed: int,
    side: int = 512,
    spacing: tuple[float, float, float] = SPACING,
    flipped: bool = True,
) -> Path:
    """Write a made-up scan, by default with axes to the left and back, if it is not there."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        volume, _ = made_up_ct((side, side, slices), spacing, classes, seed)
        sign = -1 if flipped else 1
        affine = np.diag([sign * spacing[0], sign * spacing[1], spacing[2], 1])
        affine[:3, 3] = [200, 150, -300]
        nib.Nifti1Image(volume, affine).to_filename(path)
    return path


def trained_weights(
    path: Path, classes: int, steps: int, network: torch.nn.Module | None = None
) -> Path:
    """Train the network on made-up scans for some steps, if its weights are not there."""
    if path.is_file():
        return path
    torch.manual_seed(0)
    network = network or unet(3, classes)
    network.to(memory_format=torch.channels_last_3d)
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    dice = DiceCELoss(to_onehot_y=True, softmax=True, batch=True)
    # Of many classes, Dice would take longer than all that is measured.
    loss_of = dice if classes < 20 else lambda found, labels: cross_entropy(found, labels[:, 0])
    scans = [made_up_ct((150, 150, 100), GRID, classes, seed) for seed in range(100, 104)]
    rng = np.random.default_rng(0)
    for _ in range(steps):
        images, labels = zip(*[_patch(scans[rng.integers(4)], rng) for _ in range(2)], strict=True)
        with torch.autocast("cpu", torch.bfloat16):
            found = network(torch.stack(images).contiguous(memory_format=torch.channels_last_3d))
        loss = loss_of(found.float(), torch.stack(labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"{path.name}: loss {loss.item():.3f} after {steps} steps", flush=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), path)
    return path


def _patch(
    scan: tuple[NDArray[np.int16], NDArray[np.uint8]], rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    size = 64
    at = tuple(slice(i, i + size) for i in (rng.integers(n - size + 1) for n in scan[0].shape))
    image = torch.from_numpy(scan[0][at].astype(np.float32))
    image = ((image - LOW) / (HIGH - LOW)).clamp(0, 1)
    return image[None], torch.from_numpy(scan[1][at].astype(np.int64))[None]
