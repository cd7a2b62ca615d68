"""A small task packed as a bundle, and a Python that knows no Lamina."""

import json
import subprocess
import sys
import sysconfig

import pytest
import torch
from monai.bundle import ConfigParser

from lamina.package.pack import pack_task
from lamina.phantoms.oct import write_oct_dataset
from lamina.tasks.catalogue import CHECKOUT


@pytest.fixture(scope="session")
def small_task(tmp_path_factory):
    """The default task with a tiny network, and weights for it."""
    folder = tmp_path_factory.mktemp("task")
    task = json.loads((CHECKOUT / "configs" / "tasks" / "oct_phantom.json").read_text())
    task["name"] = "small"
    task["network_def"].update(channels=[4, 8], strides=[2], num_res_units=0)
    task["patch_size"] = task["window_size"] = {"2": [16, 64], "3": [16, 64, 4]}
    task["epochs"], task["patches_per_case"] = 1, 1
    (folder / "small.json").write_text(json.dumps(task))
    torch.manual_seed(0)
    parts = {"task": task, "spatial_dims": 2, "num_classes": 9, "net": "@task#network_def"}
    network = ConfigParser(parts).get_parsed_content("net")
    torch.save(network.state_dict(), folder / "weights.pt")
    return folder / "small.json", folder / "weights.pt"


@pytest.fixture(scope="session")
def packed(small_task, tmp_path_factory):
    return pack_task(*small_task, tmp_path_factory.mktemp("packed"))


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantoms") / "oct"
    return write_oct_dataset(folder, cases=4, shape=(16, 160, 3), spacing=(100.0, 6.2, 200.0))


@pytest.fixture(scope="session")
def without_lamina():
    """Run ``python WORDS`` with the installed packages, but not the editable install of Lamina."""

    def run(*words, cwd):
        # Folders on PYTHONPATH are searched, but their .pth files (the editable install) are not.
        places = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        line = [sys._base_executable, *map(str, words)]
        environment = {"PYTHONPATH": ":".join(sorted(places)), "OMP_NUM_THREADS": "1"}
        return subprocess.run(
            line, capture_output=True, text=True, cwd=cwd, check=False, env=environment
        )

    return run
