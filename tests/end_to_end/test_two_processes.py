"""Two processes that torchrun starts train and evaluate as one does."""

import json
import os
import subprocess
import sys

import pytest
import torch
from monai.bundle import ConfigParser

from lamina.tasks.catalogue import CHECKOUT
from lamina.tensors import load_checkpoint
from lamina.training.history import read_history

TRAIN = ["configs/train.json", "configs/multi_gpu_train.json"]


@pytest.fixture(scope="module")
def task(small_task, tmp_path_factory):
    """A task without chance: whole images, no augmentation, nothing that a batch shares."""
    plain = {"_target_": "Compose", "transforms": []}
    loss = {"_target_": "DiceCELoss", "to_onehot_y": True, "softmax": True}
    folder = tmp_path_factory.mktemp("two")
    file = small_task(folder, augmentation=plain, loss=loss, spatial_dims=3, patches_per_case=1)
    content = json.loads(file.read_text())
    content["patch_size"] = content["window_size"] = {"2": [32, 128], "3": [32, 128, 8]}
    content["network_def"]["norm"] = "instance"
    content["fractions"] = [0.34, 0.33, 0.33]
    file.write_text(json.dumps(content))
    return file


def run(*words, processes):
    """Run MONAI's runner once, or twice at a time under torchrun."""
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    line = [*start, f"--nproc_per_node={processes}", "-m", "monai.bundle", "run", *words]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        line, capture_output=True, text=True, cwd=CHECKOUT, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done


def train(task, dataset, run_dir, processes, batch_size):
    files = ["--config_file", str(TRAIN), "--task", f"%{task}", "--dataset_dir", str(dataset)]
    knobs = ["--batch_size", str(batch_size), "--epochs", "3", "--precision", "fp32"]
    run("training", *files, *knobs, "--run_dir", str(run_dir), processes=processes)


@pytest.fixture(scope="module")
def runs(task, dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    train(task, dataset, folder / "one", processes=1, batch_size=100)
    train(task, dataset, folder / "two", processes=2, batch_size=50)
    return folder


def test_two_processes_learn_what_one_does(runs):
    one, two = (read_history(str(runs / name)) for name in ("one", "two"))
    assert len(one) == len(two) == 3
    for name in ("loss", "lr", "val_dice", "val_iou", "train_dice"):
        got, wanted = ([row[name] for row in rows] for rows in (two, one))
        assert got == pytest.approx(wanted, rel=1e-3, abs=1e-4)


def test_both_networks_say_the_same(runs, task):
    """Not the weights: a bias before a norm has no effect, and drifts by rounding alone."""
    content = json.loads(task.read_text())
    parts = {"task": content, "spatial_dims": 3, "num_classes": 9, "net": content["network_def"]}
    torch.manual_seed(5)
    image = torch.randn(1, 1, 32, 128, 8)
    outputs = []
    for name in ("one", "two"):
        network = ConfigParser(parts).get_parsed_content("net").eval()
        network.load_state_dict(load_checkpoint(runs / name / "model.pt"))
        with torch.no_grad():
            outputs.append(network(image))
    torch.testing.assert_close(*outputs, rtol=1e-3, atol=1e-3)


def test_one_process_writes_the_runs_files(runs):
    assert {path.name for path in (runs / "one").iterdir()} == {
        path.name for path in (runs / "two").iterdir()
    }
    log = (runs / "two" / "train.log").read_text()
    assert log.count("epoch 2, loss") == 1


def test_two_processes_evaluate_as_one_does(runs, task, dataset, tmp_path):
    files = ["--task", f"%{task}", "--dataset_dir", str(dataset), "--run_dir", str(runs / "one")]
    configs = {
        1: ["configs/evaluate.json"],
        2: ["configs/evaluate.json", "configs/multi_gpu_evaluate.json"],
    }
    for processes, config in configs.items():
        place = ["--output_dir", str(tmp_path / str(processes)), "--backend", "torch"]
        words = ["evaluating", "--config_file", str(config), *files, *place]
        run(*words, processes=processes)
    one, two = (json.loads((tmp_path / n / "summary.json").read_text()) for n in ("1", "2"))
    assert two["mean"] == pytest.approx(one["mean"], nan_ok=True)
    assert sorted(case["case"] for case in two["cases"]) == sorted(
        case["case"] for case in one["cases"]
    )
