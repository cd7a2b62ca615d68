"""Whole processes side by side: what each took, and by how much they differ."""

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[1]
TASKS = ROOT / "configs" / "tasks"
BUNDLE = [sys.executable, "-m", "monai.bundle", "run"]
Sides = Mapping[str, Sequence[str]]
Result = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """How the cases are measured.

    Parameters
    ----------
    work
        The folder of inputs, weights and results.
    repeats
        Runs of each side; the first of several is not counted.
    nnunet
        bin/ of an environment with nnunetv2, where there is one.
    """

    work: Path
    repeats: int
    nnunet: str | None = None


@dataclass
class Run:
    """One whole process: seconds, peak memory in MiB of it and its children, and its exit status."""

    seconds: float
    memory: float
    status: int
    output: str


def measured(command: Sequence[str], log: Path) -> Run:
    """Run a process to its end and return what it took; its output goes to ``log``."""
    log.parent.mkdir(parents=True, exist_ok=True)
    places = {"PYTHONPATH": str(ROOT / "bundle"), "PYTHONWARNINGS": "ignore"}
    with log.open("wb") as file:
        begin = time.perf_counter()
        process = subprocess.Popen(
            list(command), stdout=file, stderr=subprocess.STDOUT, cwd=ROOT, env=os.environ | places
        )
        peaks: list[float] = []
        watch = threading.Thread(target=_watch, args=(process.pid, peaks))
        watch.start()
        process.wait()
        seconds = time.perf_counter() - begin
    watch.join()
    if process.returncode:
        print(f"  failed, see {log}", flush=True)
    # ru_maxrss would count what this process had when it started the other.
    memory = max(peaks, default=0)
    return Run(
        round(seconds, 2), round(memory), process.returncode, log.read_text(errors="replace")
    )


def _watch(pid: int, peaks: list[float]) -> None:
    """Note the memory of a process and its children until it ends."""
    try:
        process = psutil.Process(pid)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            everyone = [process, *process.children(recursive=True)]
            peaks.append(sum(_resident(one) for one in everyone) / 2**20)
            time.sleep(0.1)
    except psutil.NoSuchProcess:
        return


def _resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:  # a child that has just ended
        return 0


def alternate(sides: Sides, plan: Plan, name: str) -> dict[str, list[Run]]:
    """Run the sides in turn, so that a slow minute of the machine meets both.

    Of several runs the first is not counted: it warms the disk.
    """
    runs: dict[str, list[Run]] = {side: [] for side in sides}
    for repeat in range(plan.repeats):
        for side, command in sides.items():
            run = measured(command, plan.work / "logs" / f"{name}_{side.replace(' ', '_')}.log")
            print(f"  {name:<18} {side:<20} {run.seconds:8.2f} s {run.memory:8.0f} MiB", flush=True)
            if repeat or plan.repeats == 1:
                runs[side].append(run)
    return runs


def summed(runs: Mapping[str, Sequence[Run]]) -> Result:
    """Return medians of each side's runs, and the ratios of the first side to Lamina."""
    found: Result = {
        side: {
            "seconds": statistics.median(run.seconds for run in done),
            "memory_mib": statistics.median(run.memory for run in done),
            "failed": any(run.status for run in done),
            "runs": [{k: v for k, v in asdict(run).items() if k != "output"} for run in done],
        }
        for side, done in runs.items()
    }
    first = next(iter(found))
    if "Lamina" in found and first != "Lamina":
        other, mine = found[first], found["Lamina"]
        found["times_faster"] = round(other["seconds"] / mine["seconds"], 2)
        found["memory_share"] = round(mine["memory_mib"] / other["memory_mib"], 2)
    return found


def difference(mine: Path, theirs: Path) -> Result:
    """Return the share of voxels whose labels differ, and the Dice score of the two sides."""
    a, b = (np.asarray(nib.load(path).dataobj) for path in (mine, theirs))
    both = 2 * np.count_nonzero((a == b) & (a > 0))
    return {
        "voxels_that_differ": float((a != b).mean()),
        "dice": both / max(np.count_nonzero(a) + np.count_nonzero(b), 1),
        "foreground": float((b > 0).mean()),
    }
