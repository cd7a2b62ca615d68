"""The two sides that the benchmark compares, as configs of whole processes."""

import json
from pathlib import Path
from typing import Any

from benchmark_inputs import GRID, HIGH, LOW

ROI = [96, 96, 96]
LOAD = [
    {"_target_": "LoadImaged", "keys": "image"},
    {"_target_": "EnsureChannelFirstd", "keys": "image"},
]
PREPROCESSING = [
    {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS", "labels": None},
    {"_target_": "Spacingd", "keys": "image", "pixdim": list(GRID), "mode": "bilinear"},
    {
        "_target_": "ScaleIntensityRanged",
        "keys": "image",
        "a_min": LOW,
        "a_max": HIGH,
        "b_min": 0,
        "b_max": 1,
        "clip": True,
    },
]


def network_def(dims: object, classes: object) -> dict[str, Any]:
    """Return the network of the model zoo's spleen bundle as a config."""
    return {
        "_target_": "UNet",
        "spatial_dims": dims,
        "in_channels": 1,
        "out_channels": classes,
        "channels": [16, 32, 64, 128, 256],
        "strides": [2, 2, 2, 2],
        "num_res_units": 2,
        "norm": "batch",
    }


def stock_config(scans: Path, output: Path, weights: Path, classes: int) -> dict[str, Any]:
    """Return the model zoo's spleen inference config, for other scans and weights."""
    folder = str(scans)
    return {
        "imports": ["$import glob", "$import torch"],
        "device": "$torch.device('cpu')",
        "datalist": f"$[{{'image': i}} for i in sorted(glob.glob('{folder}/*.nii.gz'))]",
        "network": network_def(3, classes),
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [*LOAD, *PREPROCESSING, {"_target_": "EnsureTyped", "keys": "image"}],
        },
        "dataset": {"_target_": "Dataset", "data": "@datalist", "transform": "@preprocessing"},
        "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1},
        "inferer": {
            "_target_": "SlidingWindowInferer",
            "roi_size": ROI,
            "sw_batch_size": 4,
            "overlap": 0.5,
        },
        "postprocessing": {"_target_": "Compose", "transforms": _postprocessing(output)},
        "evaluator": {
            "_target_": "SupervisedEvaluator",
            "device": "@device",
            "val_data_loader": "@dataloader",
            "network": "@network",
            "inferer": "@inferer",
            "postprocessing": "@postprocessing",
            "amp": False,
        },
        "initialize": [f"$@network.load_state_dict(torch.load('{weights}', weights_only=True))"],
        "run": ["$@evaluator.run()"],
    }


def _postprocessing(output: Path) -> list[dict[str, Any]]:
    return [
        {"_target_": "Activationsd", "keys": "pred", "softmax": True},
        {
            "_target_": "Invertd",
            "keys": "pred",
            "transform": "@preprocessing",
            "orig_keys": "image",
            "nearest_interp": False,
            "to_tensor": True,
        },
        {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
        {"_target_": "SaveImaged", "keys": "pred", "output_dir": str(output)},
    ]


def lamina_task(template: Path, classes: int) -> dict[str, Any]:
    """Return the same network and preprocessing as a task of Lamina."""
    task = json.loads(template.read_text(encoding="utf-8"))
    names = ["background", *(f"organ {value}" for value in range(1, classes))]
    task |= {
        "name": "benchmark_ct",
        "title": "Made-up organs in CT",
        "spatial_dims": 3,
        "labels": [
            {"value": value, "name": name, "color": [value, 200 - value, 90]}
            for value, name in enumerate(names)
        ],
        "spacing": {"3": list(GRID)},
        "patch_size": {"3": [64, 64, 64]},
        "window_size": {"3": ROI},
        "batch_size": {"3": 4},
        "network_def": network_def("@spatial_dims", "@num_classes"),
    }
    task["preprocessing"] = list(PREPROCESSING)
    task["preprocessing"][-2] |= {"_target_": "lamina.transforms.Spacingd"}
    return task
