"""Training: plain PyTorch and MONAI's trainer against Lamina, in images a second."""

import json
import re
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmark_runs import BUNDLE, ROOT, TASKS, Plan, Result, alternate, summed
from benchmark_training import write_small_volumes

TRAINING = str(ROOT / "scripts" / "benchmark_training.py")


def train_2d(plan: Plan) -> Result:
    """Case 5: the 14-class 2D U-Net against a plain float32 loop in PyTorch.

    Compiled, as a training of the task's 250 epochs is by itself.
    """
    from lamina.phantoms.oct_pictures import write_oct_pictures

    codes = json.loads((TASKS / "ioct_layers.json").read_text())["phantoms"]["codes"]
    data = write_oct_pictures(
        plan.work / "train_2d", train=40, test=8, size=(256, 512), codes=codes
    )
    plain = [sys.executable, TRAINING, "plain", str(data), "3"]
    return _trained(plain, "ioct_layers", data, plan, "--compile", "always")


def train_3d(plan: Plan) -> Result:
    """Case 5: 3D patches against MONAI's trainer with its usual transforms."""
    data = write_small_volumes(plan.work / "train_3d", 48)
    task = TASKS / "hippocampus_mr.json"
    stock = [sys.executable, TRAINING, "stock", str(data), "4", str(task)]
    return _trained(stock, "hippocampus_mr", data, plan)


def _trained(other: list[str], task: str, data: Path, plan: Plan, *settings: str) -> Result:
    run_dir = plan.work / "runs" / task
    mine = [*BUNDLE, "training", "--config_file", str(ROOT / "configs" / "train.json")]
    mine += ["--task", f"%{TASKS / task}.json", "--dataset_dir", str(data), "--epochs", "5"]
    mine += ["--run_dir", str(run_dir), "--val_interval", "99", "--fresh", "True"]
    mine += settings
    runs = alternate({"other": other, "Lamina": [*mine, "--bundle_root", str(ROOT)]}, plan, task)
    found = summed(runs)
    rates = [float(m[1]) for run in runs["other"] if (m := re.search(r"second: (\S+)", run.output))]
    history = json.loads((run_dir / "history.json").read_text())
    seen = len(json.loads((run_dir / "splits.json").read_text())["training"])
    about = json.loads((TASKS / f"{task}.json").read_text())
    patches = seen * _number(about["patches_per_case"])
    batch = _number(about["batch_size"])
    epoch = statistics.median(row["seconds"] for row in history[1:-1])
    # An epoch is a whole number of batches.
    found["images_per_second"] = {
        "other": statistics.median(rates),
        "Lamina": round(-(-patches // batch) * batch / epoch, 2),
    }
    found["first_epoch_seconds"] = round(history[0]["seconds"], 1)
    speeds = found["images_per_second"]
    return found | {"times_more_images": round(speeds["Lamina"] / speeds["other"], 2)}


def _number(value: Any) -> int:
    return int(value["3" if "3" in value else "2"]) if isinstance(value, dict) else int(value)
