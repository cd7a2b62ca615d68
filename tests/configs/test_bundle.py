"""MONAI's own checks of a bundle."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow

from lamina.phantoms import write_oct_dataset
from lamina.tasks.catalogue import CHECKOUT

CONFIGS = CHECKOUT / "configs"


def bundle(*words):
    return subprocess.run(
        [sys.executable, "-m", "monai.bundle", *words],
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        check=False,
    )


def workflow(name, kind, **overrides):
    return ConfigWorkflow(
        config_file=str(CONFIGS / name),
        logging_file=False,
        workflow_type=kind,
        bundle_root=str(CHECKOUT),
        task=f"%{CONFIGS / 'tasks' / 'oct_phantom.json'}",
        **overrides,
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [("train.json", "train"), ("inference.json", "infer"), ("evaluate.json", "infer")],
)
def test_no_property_is_missing(network_and_checkpoint, tmp_path, name, kind):
    data = write_oct_dataset(
        tmp_path / "data", cases=10, shape=(16, 200, 3), spacing=(100.0, 5.0, 200.0)
    )
    places = {"dataset_dir": str(data), "run_dir": str(tmp_path / "run")}
    if kind == "infer":
        places["weights"] = str(network_and_checkpoint[1])
    checked = workflow(name, kind, **places)
    checked.initialize()
    assert not checked.check_properties()


def test_verify_metadata_without_a_network():
    words = ("--meta_file", str(CONFIGS / "metadata.json"))
    schema = ("--filepath", str(CONFIGS / "metadata_schema.json"))
    assert bundle("verify_metadata", *words, *schema).returncode == 0


@pytest.mark.parametrize("key", ["version", "required_packages_version", "network_data_format"])
def test_verify_metadata_refuses_what_lacks_a_key(tmp_path, key):
    content = json.loads((CONFIGS / "metadata.json").read_text())
    del content[key]
    broken = tmp_path / "metadata.json"
    broken.write_text(json.dumps(content))
    schema = ("--filepath", str(CONFIGS / "metadata_schema.json"))
    done = bundle("verify_metadata", "--meta_file", str(broken), *schema)
    assert done.returncode != 0
    assert key in done.stderr


def test_metadata_agree_with_the_default_task_and_the_constraints():
    meta = json.loads((CONFIGS / "metadata.json").read_text())
    task = json.loads((CONFIGS / "tasks" / "oct_phantom.json").read_text())
    outputs = meta["network_data_format"]["outputs"]["pred"]
    names = {str(label["value"]): label["name"] for label in task["labels"]}
    assert outputs["channel_def"] == names
    assert outputs["num_channels"] == len(names)
    pinned = dict(
        line.split("==") for line in (CHECKOUT / "constraints.txt").read_text().split() if line
    )
    assert meta["monai_version"] == pinned["monai"]
    assert meta["pytorch_version"] == pinned["torch"]
    packages = meta["required_packages_version"]
    assert packages == {name: pinned[name] for name in packages}


def test_verify_net_in_out():
    done = bundle(
        "verify_net_in_out",
        "--net_id=network_def",
        f"--config_file={CONFIGS / 'inference.json'}",
        f"--meta_file={CONFIGS / 'metadata.json'}",
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def network_and_checkpoint(tmp_path):
    torch.manual_seed(0)
    network = workflow("inference.json", "infer").parser.get_parsed_content("network_def").eval()
    torch.save(network.state_dict(), tmp_path / "model.pt")
    return network, tmp_path / "model.pt"


def export(command, checkpoint, target, *words):
    done = bundle(
        command,
        "network_def",
        f"--filepath={target}",
        f"--ckpt_file={checkpoint}",
        f"--config_file={CONFIGS / 'inference.json'}",
        f"--meta_file={CONFIGS / 'metadata.json'}",
        *words,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_ckpt_export_gives_the_same_numbers(network_and_checkpoint, tmp_path):
    network, checkpoint = network_and_checkpoint
    export("ckpt_export", checkpoint, tmp_path / "model.ts")
    x = torch.rand(1, 1, 128, 256)
    with torch.no_grad():
        torch.testing.assert_close(torch.jit.load(tmp_path / "model.ts")(x), network(x))


def test_onnx_export_gives_the_same_numbers(network_and_checkpoint, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    network, checkpoint = network_and_checkpoint
    export("onnx_export", checkpoint, tmp_path / "model.onnx", "--input_shape=[1,1,128,256]")
    session = runtime.InferenceSession(tmp_path / "model.onnx")
    x = torch.rand(1, 1, 128, 256)
    (got,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(got, network(x).numpy(), atol=1e-4)
