"""The plain ways to train, as processes that print how many images they take in a second.

python scripts/benchmark_training.py plain DATASET EPOCHS       # 2D, float32, a loop in PyTorch
python scripts/benchmark_training.py stock DATASET EPOCHS TASK  # 3D, MONAI's trainer and transforms
"""

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from benchmark_inputs import made_up_ct
from monai.bundle import ConfigParser
from monai.data import CacheDataset, DataLoader
from monai.engines import SupervisedTrainer
from monai.losses import DiceCELoss
from monai.networks.nets import UNet
from monai.transforms import (
    Compose,
    EnsureChannelFirstd,
    LoadImaged,
    NormalizeIntensityd,
    Orientationd,
    RandAffined,
    RandCropByPosNegLabeld,
    RandFlipd,
    RandGaussianNoised,
    RandScaleIntensityd,
    Spacingd,
    SpatialPadd,
)
from PIL import Image

CLASSES_2D = 14
BATCH_2D = 16


def write_small_volumes(folder: Path, count: int) -> Path:
    """Write volumes of about 36×50×35 voxels with two structures, as the Decathlon lays them out."""
    for seed in range(0 if folder.is_dir() else count):
        rng = np.random.default_rng(seed)
        shape = tuple(int(n) for n in np.array([34, 48, 34]) + rng.integers(0, 8, 3))
        image, label = made_up_ct(shape, (5.0, 5.0, 5.0), 3, seed)
        for name, values in {"imagesTr": image, "labelsTr": label}.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            nib.Nifti1Image(values, np.eye(4)).to_filename(folder / name / f"case_{seed:02}.nii.gz")
    return folder


def plain(folder: Path, epochs: int) -> list[float]:
    """Train the 14-class 2D U-Net in float32, all pictures in memory, nothing augmented."""
    images, labels = _pictures(folder / "train")
    network = UNet(
        2, 1, CLASSES_2D, (16, 32, 64, 128, 256), (2, 2, 2, 2), num_res_units=2, norm="batch"
    )
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
    rates = []
    for _ in range(epochs):
        started = time.perf_counter()
        for part in torch.randperm(len(images)).split(BATCH_2D):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(images[part]), labels[part]).backward()
            optimizer.step()
        rates.append(len(images) / (time.perf_counter() - started))
    return rates


def _pictures(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    images = [np.asarray(Image.open(path)) for path in sorted((folder / "images").glob("*.png"))]
    masks = [np.asarray(Image.open(path)) for path in sorted((folder / "masks").glob("*.png"))]
    codes = np.unique(np.stack(masks))
    grey = torch.tensor(np.stack(images), dtype=torch.float32)[:, None] / 255
    return grey, torch.tensor(np.searchsorted(codes, np.stack(masks)))


def stock(folder: Path, epochs: int, task: Path) -> list[float]:
    """Train a task's network with MONAI's own trainer, cached data and usual transforms."""
    settings = json.loads(task.read_text())
    files = sorted((folder / "imagesTr").iterdir())
    items = [{"image": str(p), "label": str(folder / "labelsTr" / p.name)} for p in files]
    patch, batch = settings["patch_size"]["3"], settings["batch_size"]["3"]
    dataset = CacheDataset(items, _usual(patch), progress=False)
    network = ConfigParser(
        {"n": settings["network_def"], "spatial_dims": 3, "num_classes": 3, "task": settings}
    )
    net = network.get_parsed_content("n")
    rates, started = [], [0.0]
    trainer = SupervisedTrainer(
        torch.device("cpu"),
        epochs,
        DataLoader(dataset, batch_size=batch, shuffle=True, num_workers=0),
        net,
        torch.optim.AdamW(net.parameters(), 1e-3),
        DiceCELoss(to_onehot_y=True, softmax=True),
    )
    from ignite.engine import Events

    trainer.add_event_handler(
        Events.EPOCH_STARTED, lambda: started.__setitem__(0, time.perf_counter())
    )
    trainer.add_event_handler(
        Events.EPOCH_COMPLETED,
        lambda: rates.append(len(items) / (time.perf_counter() - started[0])),
    )
    trainer.run()
    return rates


def _usual(patch: list[int]) -> Compose:
    both: Any = {"keys": ["image", "label"]}
    return Compose(
        [
            LoadImaged(**both),
            EnsureChannelFirstd(**both),
            Orientationd(**both, axcodes="RAS", labels=None),
            Spacingd(**both, pixdim=(1.0, 1.0, 1.0), mode=("bilinear", "nearest")),
            NormalizeIntensityd("image"),
            SpatialPadd(**both, spatial_size=patch),
            RandCropByPosNegLabeld(**both, label_key="label", spatial_size=patch, num_samples=1),
            RandFlipd(**both, prob=0.5, spatial_axis=0),
            RandAffined(
                **both,
                prob=0.5,
                rotate_range=[0.3] * 3,
                scale_range=[0.2] * 3,
                mode=("bilinear", "nearest"),
                padding_mode="border",
            ),
            RandScaleIntensityd("image", 0.2, prob=0.5),
            RandGaussianNoised("image", prob=0.3, std=0.1),
        ]
    )


def main() -> None:
    """Train, and print the median number of images a second after the first epoch."""
    kind, folder, epochs, *task = sys.argv[1:]
    rates = (
        plain(Path(folder), int(epochs))
        if kind == "plain"
        else stock(Path(folder), int(epochs), Path(task[0]))
    )
    print(f"images per second: {statistics.median(rates[1:]):.4g}", flush=True)


if __name__ == "__main__":
    main()
