"""The overlays of training through MONAI's own runner: it trains, and goes on after a kill."""

import json
import os
import subprocess
import sys

import torch

from lamina.tasks.catalogue import CHECKOUT
from lamina.tensors import load_checkpoint


def train(overlays, task, dataset, run, epochs):
    configs = ["configs/train.json", *(f"configs/train_{name}.json" for name in overlays)]
    command = [
        sys.executable,
        "-m",
        "monai.bundle",
        "run",
        "training",
        "--config_file",
        str(configs),
    ]
    command += ["--task", f"%{task}", "--dataset_dir", str(dataset), "--run_dir", str(run)]
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT / "bundle"), "OMP_NUM_THREADS": "1"}
    made = subprocess.run(
        [*command, "--epochs", str(epochs)],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert made.returncode == 0, made.stderr[-2000:]


def test_it_trains_and_takes_the_discriminator_along(small_task, dataset, tmp_path):
    task, run = small_task(tmp_path), tmp_path / "run"
    train(["adversarial"], task, dataset, run, 1)
    first = load_checkpoint(run / "last.pt")
    assert all(torch.isfinite(value).all() for value in first["discriminator"].values())
    train(["adversarial"], task, dataset, run, 2)
    second = load_checkpoint(run / "last.pt")
    moved = [
        not torch.equal(first["discriminator"][k], second["discriminator"][k])
        for k in first["discriminator"]
    ]
    assert any(moved)
    steps = [
        max(int(one["step"]) for one in state["discriminator_optimizer"]["state"].values())
        for state in (first, second)
    ]
    assert steps[1] == 2 * steps[0]
    rows = json.loads((run / "history.json").read_text())
    assert [row["epoch"] for row in rows] == [1, 2]
    assert "train_dice" in rows[0]


def test_presence_and_adversary_go_together(small_task, dataset, tmp_path):
    run = tmp_path / "run"
    train(["presence", "adversarial"], small_task(tmp_path), dataset, run, 1)
    assert (run / "model.pt").is_file()
