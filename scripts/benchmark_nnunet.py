"""nnU-Net v2's side of the benchmark: its model folder with the weights of MONAI's `DynUNet`."""

import json
import re
from pathlib import Path
from typing import Any

import torch
from benchmark_inputs import GRID, HIGH, LOW
from benchmark_sides import ROI, lamina_task
from monai.networks.nets import DynUNet

CHANNELS = [16, 32, 64, 128, 256]
STEPS = len(CHANNELS) - 1
NORM = ("INSTANCE", {"affine": True})


def dynunet() -> DynUNet:
    """Return a network with the layers of nnU-Net's `PlainConvUNet`."""
    return DynUNet(
        3, 1, 2, [3] * (STEPS + 1), [1] + [2] * STEPS, [2] * STEPS, CHANNELS, norm_name=NORM
    )


def dynunet_task(template: Path) -> dict[str, Any]:
    """Return the task of Lamina with that network."""
    task = lamina_task(template, 2)
    task["network_def"] = {
        "_target_": "DynUNet",
        "spatial_dims": "@spatial_dims",
        "in_channels": 1,
        "out_channels": "@num_classes",
        "kernel_size": [3] * (STEPS + 1),
        "strides": [1] + [2] * STEPS,
        "upsample_kernel_size": [2] * STEPS,
        "filters": CHANNELS,
        "norm_name": list(NORM),
    }
    return task


def write_model(folder: Path, weights: Path) -> Path:
    """Write the weights as nnU-Net keeps a trained model: windows, spacing, intensities alike."""
    (folder / "fold_0").mkdir(parents=True, exist_ok=True)
    dataset = {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, "organ": 1},
        "numTraining": 4,
        "file_ending": ".nii.gz",
    }
    (folder / "dataset.json").write_text(json.dumps(dataset))
    (folder / "plans.json").write_text(json.dumps(_plans()))
    checkpoint = {
        "network_weights": translated(torch.load(weights, weights_only=True)),
        "trainer_name": "nnUNetTrainer",
        "init_args": {"configuration": "3d_fullres"},
        "inference_allowed_mirroring_axes": None,
    }
    torch.save(checkpoint, folder / "fold_0" / "checkpoint_final.pth")
    return folder


def translated(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return DynUNet's weights under nnU-Net's names, kernels turned from (x, y, z) to (z, y, x)."""
    found: dict[str, torch.Tensor] = {}
    for name, value in weights.items():
        for theirs in _names(name):
            turned = value.permute(0, 1, 4, 3, 2) if value.ndim == 5 else value
            found[theirs] = turned.contiguous()
    for stage in range(STEPS - 1):  # of deep supervision, used in training only
        channels = CHANNELS[STEPS - 1 - stage]
        found[f"decoder.seg_layers.{stage}.weight"] = torch.zeros(2, channels, 1, 1, 1)
        found[f"decoder.seg_layers.{stage}.bias"] = torch.zeros(2)
    return found


def _names(name: str) -> list[str]:
    """Return what nnU-Net calls one of DynUNet's tensors; it has some under several names."""
    if name.startswith("skip_layers"):
        return []
    if "output_block" in name:
        return [f"decoder.seg_layers.{STEPS - 1}.{name.rsplit('.', 1)[1]}"]
    if match := re.match(r"upsamples\.(\d+)\.transp_conv\.conv\.weight", name):
        return [f"decoder.transpconvs.{match[1]}.weight"]
    place, kind, number, last = _parts(name)
    plain = f"{place}.convs.{number}.{kind}.{last}"
    position = 0 if kind == "conv" else 1
    both = [plain, f"{place}.convs.{number}.all_modules.{position}.{last}"]
    if place.startswith("encoder"):
        both += [f"decoder.{one}" for one in both]
    return both


def _parts(name: str) -> tuple[str, str, int, str]:
    match = re.match(
        r"(\w+?)(?:\.(\d+))?(?:\.conv_block)?\.(conv|norm)(\d)(?:\.conv)?\.(\w+)", name
    )
    assert match, name
    block, index, kind, number, last = match.groups()
    places = {"input_block": "encoder.stages.0.0", "bottleneck": f"encoder.stages.{STEPS}.0"}
    if block == "downsamples":
        places[block] = f"encoder.stages.{int(index) + 1}.0"
    elif block == "upsamples":
        places[block] = f"decoder.stages.{index}"
    return places[block], kind, int(number) - 1, last


def _plans() -> dict[str, Any]:
    intensities = {
        "mean": LOW,
        "std": HIGH - LOW,
        "percentile_00_5": LOW,
        "percentile_99_5": HIGH,
        "median": 0.0,
        "min": LOW,
        "max": HIGH,
    }
    return {
        "dataset_name": "Dataset001_Benchmark",
        "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": list(GRID[::-1]),
        "original_median_shape_after_transp": [150, 273, 273],
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {"0": intensities},
        "configurations": {"3d_fullres": _configuration()},
    }


def _configuration() -> dict[str, Any]:
    return {
        "data_identifier": "nnUNetPlans_3d_fullres",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 2,
        "patch_size": ROI,
        "median_image_size_in_voxels": [150, 273, 273],
        "spacing": list(GRID[::-1]),
        "normalization_schemes": ["CTNormalization"],
        "use_mask_for_norm": [False],
        **_resampling("data", 3),
        **_resampling("seg", 1),
        **_resampling("probabilities", 1),
        "batch_dice": True,
        "architecture": {
            "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
            "arch_kwargs": _layers(),
            "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
        },
    }


def _layers() -> dict[str, Any]:
    return {
        "n_stages": STEPS + 1,
        "features_per_stage": CHANNELS,
        "conv_op": "torch.nn.modules.conv.Conv3d",
        "kernel_sizes": [[3, 3, 3]] * (STEPS + 1),
        "strides": [[1, 1, 1]] + [[2, 2, 2]] * STEPS,
        "n_conv_per_stage": [2] * (STEPS + 1),
        "n_conv_per_stage_decoder": [2] * STEPS,
        "conv_bias": False,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }


def _resampling(of: str, order: int) -> dict[str, Any]:
    settings = {"is_seg": of == "seg", "order": order, "order_z": 0, "force_separate_z": None}
    name = f"resampling_fn_{of}"
    return {name: "resample_data_or_seg_to_shape", f"{name}_kwargs": settings}
