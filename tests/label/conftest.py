"""Real servers on free ports, and small studies for them."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import requests
import torch

pytest.importorskip("monailabel", reason="no MONAI Label: make label-setup")

from monailabel.client import MONAILabelClient

from lamina.label.datastore import LaminaDatastore
from lamina.label.studies import FolderStudies
from lamina.label.work import INFERENCE, Work
from lamina.prediction.segmenter import read_workflow
from lamina.tasks.catalogue import CHECKOUT

# Nothing is the same along two axes: oblique, flipped, and of three sizes and spacings.
AFFINE = np.array([[-0.9, 0.1, 0, 20], [0.1, 1.0, 0, -30], [0, 0.05, 1.2, 7], [0, 0, 0, 1.0]])


def write_volume(path, seed, shape=(34, 46, 30)):
    """Write a synthetic volume with a bright ball in it; return where the ball is."""
    rng = np.random.default_rng(seed)
    middle = rng.uniform(0.4, 0.6, 3) * shape
    places = np.indices(shape) - middle[:, None, None, None]
    ball = np.linalg.norm(places, axis=0) < 8
    values = rng.normal(100, 10, shape) + 60 * ball
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.Nifti1Image(values.astype(np.float32), AFFINE).to_filename(path)
    return ball


def write_label(path, values, affine=AFFINE):
    nib.Nifti1Image(values.astype(np.uint8), affine).to_filename(path)
    return str(path)


def read(path):
    return np.asarray(nib.load(path).dataobj)


def predict(*words):
    """Run ``lamina predict`` as a user does: in a process of its own, with a server's threads.

    Sums in bfloat16 depend on the number of threads, and a test may have set that of its process.
    """
    line = [sys.executable, "-m", "lamina.cli", "predict", *map(str, words)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class Server:
    """A server, its client, and its log."""

    def __init__(self, port, process, log):
        self.url = f"http://127.0.0.1:{port}"
        self.process, self.log = process, log

    def client(self, folder):
        return MONAILabelClient(self.url, tmpdir=str(folder))

    def told(self):
        return self.log.read_text()

    def stop(self):
        """End the server and what it started, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def start(log, *words, **environment):
    """Start ``lamina label`` and wait until it answers."""
    port = free_port()
    line = [sys.executable, "-m", "lamina.cli", "label", "--port", str(port), *map(str, words)]
    with log.open("w") as out:
        process = subprocess.Popen(
            line, stdout=out, stderr=out, start_new_session=True, env=os.environ | environment
        )
    server = Server(port, process, log)
    for _ in range(600):
        with contextlib.suppress(requests.ConnectionError):
            requests.get(f"{server.url}/info/", timeout=60)
            return server
        if process.poll() is not None:
            break
        time.sleep(0.2)
    server.stop()
    raise AssertionError(server.told())


@pytest.fixture(scope="session")
def serve():
    """Start servers that end with the tests."""
    servers = []

    def begin(*words, **environment):
        servers.append(start(*words, **environment))
        return servers[-1]

    yield begin
    for server in servers:
        server.stop()


def wait_for_training(client):
    while (status := client.train_status())["status"] in ("SUBMITTED", "RUNNING"):
        time.sleep(0.2)
    return status


@pytest.fixture(scope="session")
def small_tasks(tmp_path_factory):
    """Tasks with tiny networks and no weights: ``balls`` in 3D, ``layers`` in 2D."""
    folder = tmp_path_factory.mktemp("tasks")
    balls = json.loads((CHECKOUT / "configs/tasks/hippocampus_mr.json").read_text())
    balls |= {"name": "balls", "title": "Balls", "epochs": 1, "val_interval": 1}
    balls["network_def"] |= {"filters": [4, 8, 8, 8]}
    balls["labels"][1]["name"], balls["labels"][2]["name"] = "Left ball", "Ball"
    layers = json.loads((CHECKOUT / "configs/tasks/oct_phantom.json").read_text())
    layers |= {"name": "layers", "title": "Layers", "epochs": 1, "patches_per_case": 2}
    layers["network_def"] |= {"channels": [4, 8], "strides": [2], "num_res_units": 0}
    layers["network_def"]["dropout"] = 0.1
    layers["patch_size"] = layers["window_size"] = {"2": [16, 64], "3": [16, 64, 4]}
    for task in (balls, layers):
        Path(folder, f"{task['name']}.json").write_text(json.dumps(task))
    return {name: folder / f"{name}.json" for name in ("balls", "layers")}


@pytest.fixture(scope="session")
def packed_work(small_tasks, tmp_path_factory):
    """A server's folder with both small tasks, of which ``balls`` and ``layers`` have weights."""
    work = Work(tmp_path_factory.mktemp("packed") / "work")
    work.prepare([str(path) for path in small_tasks.values()])
    for task in work.tasks().values():
        torch.manual_seed(0)
        network = read_workflow(task.folder / INFERENCE, {}).get_parsed_content("network")
        torch.save(network.state_dict(), work.folder / "first.pt")
        task.models.publish(work.folder / "first.pt")
    return work


@pytest.fixture
def work(packed_work, tmp_path):
    """A copy of it, with two volumes in ``studies`` beside it."""
    shutil.copytree(packed_work.folder, tmp_path / "work")
    for seed, name in enumerate("ab"):
        write_volume(tmp_path / "studies" / f"{name}.nii.gz", seed)
    return Work(tmp_path / "work")


@pytest.fixture
def datastore(work, tmp_path):
    return LaminaDatastore(FolderStudies(tmp_path / "studies", work.folder), work)
