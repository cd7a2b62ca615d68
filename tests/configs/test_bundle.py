"""MONAI's own checks and exports of a bundle.

``check_properties`` and the many broken metadata go through MONAI's Python interface; what a
person types (``verify_metadata``, ``verify_net_in_out``, ``ckpt_export``, ``onnx_export``) runs as
``python -m monai.bundle …`` in a process of its own.
"""

import copy
import json

import numpy as np
import pytest
import torch
from monai.bundle import verify_metadata

from lamina.tasks.catalogue import CHECKOUT

CONFIGS = CHECKOUT / "configs"
META, SCHEMA = CONFIGS / "metadata.json", CONFIGS / "metadata_schema.json"


@pytest.fixture
def metadata():
    return json.loads(META.read_text())


@pytest.mark.parametrize("name", ["train.json", "inference.json", "evaluate.json"])
def test_no_property_is_missing(workflow, dataset, network_and_checkpoint, tmp_path, name):
    places = {"dataset_dir": dataset, "run_dir": str(tmp_path / "run")}
    if name != "train.json":
        places["weights"] = str(network_and_checkpoint[1])
    checked = workflow(name, **places)
    checked.initialize()
    assert not checked.check_properties()
    checked.finalize()


def test_the_metadata_follow_the_shipped_schema(bundle):
    done = bundle("verify_metadata", "--meta_file", META, "--filepath", SCHEMA)
    assert done.returncode == 0, done.stderr
    assert "metadata is verified with no error" in done.stderr + done.stdout


def test_verifying_leaves_the_schema_alone(metadata):
    before = SCHEMA.read_bytes()
    verify_metadata(meta_file=str(META), filepath=str(SCHEMA))
    assert SCHEMA.read_bytes() == before
    assert metadata["schema"].startswith("https://")


def breaking(change):
    """Name a mistake for the test's report."""
    return pytest.param(change, id=" = ".join(str(part) for part in change))


@pytest.mark.parametrize(
    "change",
    [
        breaking((key,))
        for key in (
            "version",
            "monai_version",
            "pytorch_version",
            "numpy_version",
            "required_packages_version",
            "task",
            "description",
            "authors",
            "copyright",
            "network_data_format",
            "network_data_format#inputs",
            "network_data_format#outputs#pred#num_channels",
            "network_data_format#inputs#image#channel_def",
        )
    ]
    + [
        breaking(("version", "one")),
        breaking(("required_packages_version", ["nibabel"])),
        breaking(("references", "a paper")),
        breaking(("network_data_format#inputs", {})),
        breaking(("network_data_format#inputs#image#num_channels", 0)),
        breaking(("network_data_format#inputs#image#spatial_shape", 128)),
        breaking(("network_data_format#inputs#image#is_patch_data", "yes")),
        breaking(("network_data_format#outputs#pred#channel_def", {"first": "NFL"})),
        breaking(("network_data_format#outputs#pred#value_range", ["0", "1"])),
    ],
)
def test_broken_metadata_are_refused(metadata, tmp_path, change):
    """A key is taken out, or gets a value that makes no sense."""
    path, *value = change
    node = broken = copy.deepcopy(metadata)
    *parents, key = path.split("#")
    for parent in parents:
        node = node[parent]
    del node[key]
    if value:
        node[key] = value[0]
    (tmp_path / "metadata.json").write_text(json.dumps(broken))
    with pytest.raises(ValueError, match="Failed validating"):
        verify_metadata(meta_file=str(tmp_path / "metadata.json"), filepath=str(SCHEMA))


def test_metadata_agree_with_the_default_task_and_the_constraints(metadata):
    task = json.loads((CONFIGS / "tasks" / "oct_phantom.json").read_text())
    outputs = metadata["network_data_format"]["outputs"]["pred"]
    inputs = metadata["network_data_format"]["inputs"]["image"]
    names = {str(label["value"]): label["name"] for label in task["labels"]}
    assert outputs["channel_def"] == names
    assert outputs["num_channels"] == len(names)
    assert inputs["num_channels"] == task["in_channels"]
    window = task["window_size"][str(task["spatial_dims"])]
    assert inputs["spatial_shape"] == outputs["spatial_shape"] == window
    pinned = dict(
        line.split("==") for line in (CHECKOUT / "constraints.txt").read_text().split() if line
    )
    assert metadata["monai_version"] == pinned["monai"]
    assert metadata["pytorch_version"] == pinned["torch"]
    assert metadata["numpy_version"] == pinned["numpy"]
    packages = metadata["required_packages_version"]
    assert packages == {name: pinned[name] for name in packages}


def test_first_input_and_output_are_called_as_monai_label_asks(metadata):
    formats = metadata["network_data_format"]
    assert next(iter(formats["inputs"])) == "image"
    assert next(iter(formats["outputs"])) == "pred"


def test_the_network_takes_and_gives_what_the_metadata_say(bundle):
    files = (f"--config_file={CONFIGS / 'inference.json'}", f"--meta_file={META}")
    done = bundle("verify_net_in_out", "--net_id=network_def", *files)
    assert done.returncode == 0, done.stderr


def export(bundle, command, checkpoint, target, *words):
    files = [f"--config_file={CONFIGS / 'inference.json'}", f"--meta_file={META}"]
    places = [f"--filepath={target}", f"--ckpt_file={checkpoint}"]
    done = bundle(command, "network_def", *places, *files, *words)
    assert done.returncode == 0, done.stderr[-2000:]


def test_torchscript_gives_the_same_numbers(bundle, network_and_checkpoint, tmp_path):
    network, checkpoint = network_and_checkpoint
    export(bundle, "ckpt_export", checkpoint, tmp_path / "model.ts")
    x = torch.rand(1, 1, 128, 256)
    with torch.no_grad():
        torch.testing.assert_close(torch.jit.load(tmp_path / "model.ts")(x), network(x))


def test_onnx_gives_the_same_numbers(bundle, network_and_checkpoint, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    network, checkpoint = network_and_checkpoint
    size = "--input_shape=[1,1,128,256]"
    export(bundle, "onnx_export", checkpoint, tmp_path / "model.onnx", size)
    session = runtime.InferenceSession(tmp_path / "model.onnx")
    x = torch.rand(1, 1, 128, 256)
    (got,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(got, network(x).numpy(), atol=1e-4)
