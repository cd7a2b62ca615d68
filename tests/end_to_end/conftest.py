"""One small training in each dimension, which many tests look at."""

import json

import pytest
import torch
from monai.networks.nets import UNet

from lamina.cli import main
from lamina.phantoms.oct import write_oct_dataset
from lamina.tasks.catalogue import CHECKOUT


def write_small_task(folder, name="tiny", **changes):
    """Write the default task with a tiny network, for volumes of 32 × 128 × 5 voxels."""
    task = json.loads((CHECKOUT / "configs" / "tasks" / "oct_phantom.json").read_text())
    network = task["network_def"] | {"channels": [4, 8, 16], "num_res_units": 0, "strides": [2, 2]}
    # In bf16, oneDNN 3.12 reads beyond the image where a strided convolution leaves one voxel along
    # the last axis (pytorch#169688): 8 slices leave two.
    size = {"2": [32, 128], "3": [32, 128, 8]}
    task |= {"name": name, "phantoms": None, "network_def": network, "strides": None}
    task |= {"patch_size": size, "window_size": size, "fractions": [0.6, 0.2, 0.2]}
    task |= {"epochs": 2, "val_interval": 1, "batch_size": 4, "patches_per_case": 2}
    path = folder / f"{name}.json"
    path.write_text(json.dumps(task | changes))
    return path


@pytest.fixture(scope="session")
def small_task():
    return write_small_task


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantoms") / "oct"
    return write_oct_dataset(folder, cases=12, shape=(32, 128, 5), spacing=(60.0, 8.0, 200.0))


@pytest.fixture(scope="session", params=[2, 3], ids=["2D", "3D"])
def trained(request, dataset, tmp_path_factory):
    """A finished run: (task file, run folder, what every command is given)."""
    folder = tmp_path_factory.mktemp(f"run{request.param}")
    task, run = write_small_task(folder), folder / "run"
    common = [str(task), "--run-dir", str(run), "--spatial-dims", str(request.param)]
    assert main(["train", *common, "--dataset-dir", str(dataset)]) == 0
    return task, run, common


@pytest.fixture(scope="session", params=[2, 3], ids=["2D", "3D"])
def hippocampus(request, tmp_path_factory):
    """What `lamina predict` is given for the hippocampus task with a tiny network.

    Its weights are random but fixed: the mask means nothing, but any voxel that comes from
    another place changes it.
    """
    dims = request.param
    folder = tmp_path_factory.mktemp(f"hippocampus{dims}")
    content = json.loads((CHECKOUT / "configs" / "tasks" / "hippocampus_mr.json").read_text())
    network = {"in_channels": 1, "out_channels": 3, "channels": [4, 8], "strides": [2]}
    content["network_def"] = {"_target_": "UNet", "spatial_dims": "@spatial_dims"} | network
    (folder / "task.json").write_text(json.dumps(content))
    torch.manual_seed(dims)
    torch.save(UNet(spatial_dims=dims, **network).state_dict(), folder / "model.pt")
    weights = ["--weights", str(folder / "model.pt"), "--backend", "torch"]
    return [str(folder / "task.json"), "--spatial-dims", str(dims), *weights]
