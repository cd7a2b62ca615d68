"""Lamina and others side by side: each side a whole process, medians and peak memory.

    python scripts/benchmark.py --work DIR [--cases 1,2,...] [--repeats 3] [--full]

Inputs and weights are made by the benchmark itself. Results go to DIR/benchmark.json and to
standard output; docs/performance.md holds the last ones, with what they mean.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from benchmark_inputs import trained_weights, write_scan
from benchmark_sides import lamina_task, stock_config

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Run:
    """One whole process: seconds, peak memory in MiB, and its exit status."""

    seconds: float
    memory: float
    status: int


def measured(command: Sequence[str], log: Path, environment: dict[str, str] | None = None) -> Run:
    """Run a process to its end and return what it took; its output goes to ``log``."""
    log.parent.mkdir(parents=True, exist_ok=True)
    places = {"PYTHONPATH": str(ROOT / "bundle"), "PYTHONWARNINGS": "ignore"}
    with log.open("wb") as file:
        begin = time.perf_counter()
        process = subprocess.Popen(
            list(command),
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=os.environ | places | (environment or {}),
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - begin
    if process.returncode:
        print(f"  failed, see {log}", flush=True)
    return Run(round(seconds, 2), round(usage.ru_maxrss / 1024, 1), process.returncode)


def medians(runs: Sequence[Run]) -> dict[str, Any]:
    """Return the medians of several runs, and the runs themselves."""
    return {
        "seconds": statistics.median(run.seconds for run in runs),
        "memory_mib": statistics.median(run.memory for run in runs),
        "runs": [asdict(run) for run in runs],
    }


def sides_of(work: Path, scans: Path, weights: Path, classes: int) -> dict[str, list[str]]:
    """Return the command line of each side, for a folder of scans."""
    stock, task = work / f"stock_{scans.name}.json", work / f"task_{classes}.json"
    stock.write_text(
        json.dumps(stock_config(scans, work / "out" / "stock" / scans.name, weights, classes))
    )
    template = ROOT / "configs" / "tasks" / "hippocampus_mr.json"
    task.write_text(json.dumps(lamina_task(template, classes)))
    bundle = [sys.executable, "-m", "monai.bundle", "run"]
    lamina = [*bundle, "inference", "--config_file", str(ROOT / "configs" / "inference.json")]
    lamina += ["--task", f"%{task}", "--bundle_root", str(ROOT), "--weights", str(weights)]
    lamina += ["--overlap", "0.5", "--blending", "constant", "--overwrite", "True"]
    lamina += ["--input_dir", str(scans), "--output_dir", str(work / "out" / "lamina" / scans.name)]
    return {"stock MONAI": [*bundle, "--config_file", str(stock)], "Lamina": lamina}


def difference(work: Path, folder: str) -> dict[str, float]:
    """Return the share of voxels whose labels differ, and the Dice score of the two sides."""
    mine = min((work / "out" / "lamina" / folder).glob("*.nii.gz"))
    theirs = min((work / "out" / "stock" / folder).rglob("*_trans.nii.gz"))
    a, b = (np.asarray(nib.load(path).dataobj) for path in (mine, theirs))
    both = 2 * np.count_nonzero((a == b) & (a > 0))
    return {
        "voxels_that_differ": float((a != b).mean()),
        "dice": both / max(np.count_nonzero(a) + np.count_nonzero(b), 1),
        "foreground": float((b > 0).mean()),
    }


def alternate(
    sides: dict[str, list[str]], repeats: int, work: Path, name: str
) -> dict[str, dict[str, Any]]:
    """Run the sides in turn, so that a slow minute of the machine meets both."""
    runs: dict[str, list[Run]] = {side: [] for side in sides}
    for repeat in range(repeats):
        for side, command in sides.items():
            run = measured(command, work / "logs" / f"{name}_{side.replace(' ', '_')}.log")
            print(f"  {side:<12} {run.seconds:8.2f} s {run.memory:9.0f} MiB", flush=True)
            if repeat or repeats == 1 or run.status:
                runs[side].append(run)
    return {side: medians(done) for side, done in runs.items()}


def one_volume(work: Path, repeats: int) -> dict[str, Any]:
    """Case 1: one CT-like volume of 512×512×200, whole processes."""
    write_scan(work / "one" / "scan.nii.gz", 200, 2, 0)
    weights = trained_weights(work / "spleen.pt", 2, 60)
    found = alternate(sides_of(work, work / "one", weights, 2), repeats, work, "one")
    return found | {"equal": difference(work, "one")}


def folder_of_volumes(work: Path, repeats: int, count: int = 4) -> dict[str, Any]:
    """Case 1 again: seconds for each further volume of a folder."""
    for seed in range(count):
        write_scan(work / "several" / f"scan_{seed}.nii.gz", 200, 2, seed)
    weights = trained_weights(work / "spleen.pt", 2, 60)
    return alternate(sides_of(work, work / "several", weights, 2), repeats, work, "several")


def many_classes(work: Path, repeats: int) -> dict[str, Any]:
    """Case 2: 105 classes, on the largest scan that the stock way can hold."""
    write_scan(work / "classes" / "scan.nii.gz", 60, 105, 0, side=320)
    weights = trained_weights(work / "classes.pt", 105, 60)
    found = alternate(sides_of(work, work / "classes", weights, 105), repeats, work, "classes")
    return found | {"equal": difference(work, "classes")}


CASES: dict[str, Callable[[Path, int], dict[str, Any]]] = {
    "one_volume": one_volume,
    "folder_of_volumes": folder_of_volumes,
    "many_classes": many_classes,
}
SHORT = ("one_volume",)


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.is_file() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "bf16_units": torch.cpu.get_capabilities().get("amx_bf16", False),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "system": platform.platform(),
        "date": time.strftime("%Y-%m-%d"),
    }


def main() -> None:
    """Measure, print, and write what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "benchmark")
    parser.add_argument("--cases", help=f"some of {', '.join(CASES)}, separated by commas")
    parser.add_argument(
        "--repeats", type=int, default=2, help="the first of several is not counted"
    )
    parser.add_argument("--full", action="store_true", help="all cases, not only the short ones")
    options = parser.parse_args()
    work = options.work.resolve()
    names = options.cases.split(",") if options.cases else list(CASES if options.full else SHORT)
    target = work / "benchmark.json"
    results = json.loads(target.read_text()) if target.is_file() else {}
    for name in names:
        print(name, flush=True)
        results[name] = CASES[name](work, options.repeats) | {"machine": machine()}
        target.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
