"""What the workflows' JSON promises to whoever overrides it, or runs it from elsewhere."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from lamina.cli import main
from lamina.readers import SeriesRules
from lamina.tasks.catalogue import CHECKOUT, task_files

CONFIGS = CHECKOUT / "configs"
MAIN = {"train.json": "training", "inference.json": "inference", "evaluate.json": "evaluating"}

# Other networks of MONAI's, small, as a task's or a person's ``network_def`` would name them.
NETWORKS = {
    "BasicUNet": {"features": [4, 4, 8, 8, 16, 4], "norm": "batch"},
    "AttentionUnet": {"channels": [4, 8], "strides": [2]},
    "SegResNet": {"init_filters": 8, "blocks_down": [1, 1], "blocks_up": [1]},
    "DynUNet": {"kernel_size": [3, 3, 3], "strides": [1, 2, 2], "upsample_kernel_size": [2, 2]},
}


@pytest.mark.parametrize("name", MAIN)
def test_without_a_run_id_the_work_is_done_once(name):
    """The run id ``run`` is a reference: a copied expression would do the work twice."""
    content = json.loads((CONFIGS / name).read_text())
    assert content["run"] == f"@{MAIN[name]}"
    assert len(content[MAIN[name]]) == 1


def test_what_evaluation_shares_with_inference_stands_once():
    """But for what the two say alike and a person or an overlay must find in the file itself."""
    evaluate, inference = (
        json.loads((CONFIGS / f"{name}.json").read_text()) for name in ("evaluate", "inference")
    )
    alike = {name for name, value in evaluate.items() if inference.get(name, ...) == value}
    assert alike == {"_desc_task", "task", "bundle_root", "dataloader"}


@pytest.mark.parametrize("name", MAIN)
def test_reading_stands_in_the_workflow_and_its_rules_can_be_set(workflow, name):
    made = workflow(name, **{"series_rules#missing_slices": "refuse"}).parser
    parsed = made.get_parsed_content
    image, label = parsed("reading")
    assert (image.keys, label.keys) == (("image",), ("label",))
    assert not image._loader.expanduser
    assert not label._loader.expanduser
    reader = image._loader.readers[-1]
    assert reader.rules == SeriesRules(missing_slices="refuse")
    assert reader.channels == 1
    assert parsed("series_rules") == dataclasses.asdict(reader.rules)


@pytest.mark.parametrize("name", MAIN)
def test_a_task_says_how_its_images_are_read(workflow, tmp_path, name):
    task = json.loads((CONFIGS / "tasks" / "lung_cxr.json").read_text())
    task |= {"image_channels": 3, "series_rules": {"tilt": "refuse", "most_missing": 1}}
    (tmp_path / "colour.json").write_text(json.dumps(task))
    made = workflow(name, tmp_path / "colour.json", **{"series_rules#most_missing": 2}).parser
    reader = made.get_parsed_content("reading")[0]._loader.readers[-1]
    assert reader.channels == 3
    assert reader.rules == SeriesRules(tilt="refuse", most_missing=2)


def test_monai_label_finds_the_ids_that_it_overrides():
    """It writes into them, so that a reference or an expression in their place would not do."""
    train = json.loads((CONFIGS / "train.json").read_text())
    assert "max_epochs" in train["train"]["trainer"]
    assert isinstance(train["train"]["handlers"], list)
    assert all(isinstance(handler, dict) for handler in train["train"]["handlers"])
    assert "data" in train["train"]["dataset"]
    assert "data" in train["validate"]["dataset"]
    inference = json.loads((CONFIGS / "inference.json").read_text())
    wanted = {"network_def", "network", "preprocessing", "inferer", "postprocessing", "device"}
    assert wanted <= set(inference)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("network", NETWORKS)
def test_another_network_by_network_def_alone(workflow, network, dims):
    arguments = {"spatial_dims": "@spatial_dims", "in_channels": 1, "out_channels": 9}
    definition = {"_target_": network} | arguments | NETWORKS[network]
    made = workflow("inference.json", network_def=definition, spatial_dims=dims)
    network = made.parser.get_parsed_content("network").eval()
    with torch.no_grad():
        assert network(torch.zeros(1, 1, *[16] * dims)).shape == (1, 9, *[16] * dims)


def tasks_by_dimension():
    """Each shipped task in each dimension that it has; pictures have no third one."""
    for path in task_files():
        for dims in json.loads(path.read_text())["patch_size"]:
            yield pytest.param(path, int(dims), id=f"{path.stem}-{dims}")


@pytest.mark.parametrize(("task", "dims"), tasks_by_dimension())
def test_a_shipped_task_fits_its_network_in_each_dimension(workflow, task, dims):
    made = workflow("train.json", task=task, spatial_dims=dims).parser
    content = json.loads(task.read_text())
    classes, channels = len(content["labels"]), content["in_channels"]
    network = made.get_parsed_content("network").eval()
    for size in ("patch_size", "window_size"):
        shape = made.get_parsed_content(size)
        assert len(shape) == dims
        with torch.no_grad():
            assert network(torch.zeros(1, channels, *shape)).shape == (1, classes, *shape)


def test_knobs_reach_what_they_turn(workflow, dataset, tmp_path):
    knobs = {"epochs": 7, "lr": 0.5, "batch_size": 3, "patch_size": [32, 64], "val_interval": 2}
    places = {"dataset_dir": dataset, "run_dir": str(tmp_path / "run")}
    made = workflow("train.json", precision="fp32", **knobs, **places)
    made.initialize()
    parsed = made.parser.get_parsed_content
    assert parsed("train#trainer").state.max_epochs == 7
    assert parsed("lr_scheduler").total_steps == 7 * len(parsed("train#dataloader")) + 1
    assert max(group["max_lr"] for group in parsed("optimizer").param_groups) == 0.5
    batch = next(iter(parsed("train#dataloader")))
    assert batch["image"].shape == batch["label"].shape == (3, 1, 32, 64)
    made.finalize()


def test_a_workflow_made_in_python_trains_and_infers(workflow, dataset, tmp_path):
    task = json.loads((CONFIGS / "tasks" / "oct_phantom.json").read_text())
    task["network_def"] |= {"channels": [4, 8], "strides": [2], "num_res_units": 0}
    small = tmp_path / "small.json"
    small.write_text(json.dumps(task))
    size = {"patch_size": [16, 64], "window_size": [16, 64], "patches_per_case": 1, "epochs": 1}
    places = {"dataset_dir": dataset, "run_dir": str(tmp_path / "run"), "progress": False}
    for name in ("train.json", "inference.json"):
        knobs = size if name == "train.json" else {"window_size": [16, 64]}
        made = workflow(name, task=small, **knobs, **places)
        made.initialize()
        made.run()
        made.finalize()
    test = json.loads((tmp_path / "run" / "splits.json").read_text())["test"]
    written = {path.name for path in (tmp_path / "run" / "predictions").glob("*.nii.gz")}
    assert written == {f"{case['name']}.nii.gz" for case in test}


def test_lamina_evaluates_from_any_folder(dataset, network_and_checkpoint, tmp_path, monkeypatch):
    """What evaluate.json takes from inference.json is found, and the folder stays the user's."""
    monkeypatch.chdir(tmp_path)
    weights = ["--weights", str(network_and_checkpoint[1]), "--run-dir", "run"]
    assert main(["evaluate", "oct_phantom", "--dataset-dir", dataset, *weights]) == 0
    assert (tmp_path / "run" / "evaluation" / "report.html").is_file()
    assert Path.cwd() == tmp_path


def test_an_unknown_id_ends_the_runner_with_the_nearest_one(bundle, dataset, tmp_path):
    """A process of its own, from another folder, with absolute paths."""
    config = ("--config_file", CONFIGS / "train.json", "--bundle_root", CHECKOUT)
    task = ("--task", f"%{CONFIGS / 'tasks' / 'oct_phantom.json'}")
    places = ("--dataset_dir", dataset, "--run_dir", tmp_path / "run")
    done = bundle("run", "training", *config, *task, *places, "--epochz", 9, cwd=tmp_path)
    assert done.returncode == 1
    assert "error: --epochz" in done.stderr
    assert "did you mean 'epochs'?" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()
