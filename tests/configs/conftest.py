"""MONAI's ways to a workflow: its command line, and its Python class."""

import subprocess
import sys

import pytest
import torch
from monai.bundle import ConfigWorkflow

from lamina.phantoms.oct import write_oct_dataset
from lamina.tasks.catalogue import CHECKOUT

CONFIGS = CHECKOUT / "configs"


@pytest.fixture(scope="session")
def bundle():
    """Run ``python -m monai.bundle WORDS`` as a process of its own."""

    def run(*words, cwd=CHECKOUT):
        line = [sys.executable, "-m", "monai.bundle", *map(str, words)]
        return subprocess.run(line, capture_output=True, text=True, cwd=cwd, check=False)

    return run


@pytest.fixture(scope="session")
def workflow():
    """Make a workflow from Python, with a task file's path or the default task."""

    def make(name, task=CONFIGS / "tasks" / "oct_phantom.json", **overrides):
        return ConfigWorkflow(
            config_file=str(CONFIGS / name),
            logging_file=False,
            workflow_type="train" if name == "train.json" else "infer",
            bundle_root=str(CHECKOUT),
            task=f"%{task}",
            **overrides,
        )

    return make


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantoms") / "oct"
    shape, spacing = (16, 200, 3), (100.0, 5.0, 200.0)
    return str(write_oct_dataset(folder, cases=10, shape=shape, spacing=spacing))


@pytest.fixture(scope="session")
def network_and_checkpoint(workflow, tmp_path_factory):
    """The default task's network with random weights, and the file that holds them."""
    torch.manual_seed(0)
    network = workflow("inference.json").parser.get_parsed_content("network_def").eval()
    checkpoint = tmp_path_factory.mktemp("weights") / "model.pt"
    torch.save(network.state_dict(), checkpoint)
    return network, checkpoint
