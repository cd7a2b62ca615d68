"""Lamina and others side by side: each side a whole process, medians and peak memory.

    python scripts/benchmark.py [--full] [--cases one_volume,...] [--repeats 3] [--work DIR]

Inputs and weights are made by the benchmark itself. Results go to DIR/benchmark.json and, as a
table, to standard output; docs/performance.md holds the last ones, with what they mean. nnU-Net is
measured where ``--nnunet`` names the bin/ folder of an environment that has it.
"""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import psutil
import torch
from benchmark_inputs import trained_weights, unet, write_scan
from benchmark_nnunet import dynunet, dynunet_task, write_model
from benchmark_sides import lamina_task, stock_config
from benchmark_training import write_small_volumes

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "scripts"
TASKS = ROOT / "configs" / "tasks"
BUNDLE = [sys.executable, "-m", "monai.bundle", "run"]
Sides = Mapping[str, Sequence[str]]
Result = dict[str, Any]


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


def alternate(sides: Sides, repeats: int, work: Path, name: str) -> dict[str, list[Run]]:
    """Run the sides in turn, so that a slow minute of the machine meets both.

    Of several runs the first is not counted: it warms the disk.
    """
    runs: dict[str, list[Run]] = {side: [] for side in sides}
    for repeat in range(repeats):
        for side, command in sides.items():
            run = measured(command, work / "logs" / f"{name}_{side.replace(' ', '_')}.log")
            print(f"  {name:<18} {side:<20} {run.seconds:8.2f} s {run.memory:8.0f} MiB", flush=True)
            if repeat or repeats == 1:
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


def lamina_line(work: Path, scans: Path, task: Mapping[str, Any], weights: Path) -> list[str]:
    """Return the command by which Lamina segments a folder as the others do."""
    file = work / f"task_{weights.stem}.json"
    file.write_text(json.dumps(task))
    line = [*BUNDLE, "inference", "--config_file", str(ROOT / "configs" / "inference.json")]
    line += ["--task", f"%{file}", "--bundle_root", str(ROOT), "--weights", str(weights)]
    line += ["--overlap", "0.5", "--overwrite", "True", "--formats", "nifti"]
    return [*line, "--input_dir", str(scans), "--output_dir", str(_out(work, "lamina", scans))]


def sides_of(work: Path, scans: Path, weights: Path, classes: int) -> dict[str, list[str]]:
    """Return the command line of stock MONAI and of Lamina for a folder of scans."""
    stock = work / f"stock_{scans.name}.json"
    stock.write_text(json.dumps(stock_config(scans, _out(work, "stock", scans), weights, classes)))
    task = lamina_task(TASKS / "hippocampus_mr.json", classes)
    mine = lamina_line(work, scans, task, weights)
    return {
        "stock MONAI": [*BUNDLE, "--config_file", str(stock)],
        "Lamina": [*mine, "--blending", "constant"],
    }


def _out(work: Path, side: str, scans: Path) -> Path:
    return work / "out" / side / scans.name


def difference(mine: Path, theirs: Path) -> Result:
    """Return the share of voxels whose labels differ, and the Dice score of the two sides."""
    a, b = (np.asarray(nib.load(path).dataobj) for path in (mine, theirs))
    both = 2 * np.count_nonzero((a == b) & (a > 0))
    return {
        "voxels_that_differ": float((a != b).mean()),
        "dice": both / max(np.count_nonzero(a) + np.count_nonzero(b), 1),
        "foreground": float((b > 0).mean()),
    }


def _against_stock(work: Path, scans: Path) -> Result:
    mine = min(_out(work, "lamina", scans).glob("*.nii.gz"))
    return difference(mine, min(_out(work, "stock", scans).rglob("*_trans.nii.gz")))


def _spleen(work: Path) -> Path:
    return trained_weights(work / "spleen.pt", 2, 60)


def _folder(work: Path, name: str, count: int, slices: int = 200) -> Path:
    for seed in range(count):
        write_scan(work / name / f"scan_{seed:02}.nii.gz", slices, 2, seed)
    return work / name


def one_volume(work: Path, repeats: int) -> Result:
    """Case 1: one CT-like volume of 512×512×200, whole processes."""
    scans = _folder(work, "one", 1)
    found = summed(alternate(sides_of(work, scans, _spleen(work), 2), repeats, work, "one"))
    return found | {"equal": _against_stock(work, scans)}


def per_volume(work: Path, repeats: int, count: int = 4, *more: str) -> Result:
    """Case 1 in a folder: seconds for each volume after the first."""
    runs = {}
    for folder in (_folder(work, "one", 1), _folder(work, "several", count)):
        sides = sides_of(work, folder, _spleen(work), 2)
        sides["Lamina"] += more
        runs[folder.name] = summed(alternate(sides, repeats, work, folder.name))
    each = {
        side: (runs["several"][side]["seconds"] - runs["one"][side]["seconds"]) / (count - 1)
        for side in ("stock MONAI", "Lamina")
    }
    return runs["several"] | {
        "seconds_per_volume": each,
        "times_faster_per_volume": round(each["stock MONAI"] / each["Lamina"], 2),
        "equal": _against_stock(work, work / "several"),
    }


def without_bf16(work: Path, repeats: int) -> Result:
    """Case 1 in a folder, on what a processor without bfloat16 units can do: OpenVINO, float32."""
    return per_volume(work, repeats, 3, "--backend", "openvino")


def many_classes(work: Path, repeats: int) -> Result:
    """Case 2: 105 classes, on the largest scan that the stock way can hold."""
    scans = work / "classes"
    write_scan(scans / "scan.nii.gz", 60, 105, 0, side=320)
    weights = trained_weights(work / "classes.pt", 105, 25)
    found = summed(alternate(sides_of(work, scans, weights, 105), repeats, work, "classes"))
    return found | {"equal": _against_stock(work, scans)}


def long_scan(work: Path, repeats: int) -> Result:
    """Peak memory for 200 and for 800 slices, and what the arrays themselves take."""
    sides = {
        f"{slices} slices": sides_of(
            work, _folder(work, f"long_{slices}", 1, slices), _spleen(work), 2
        )["Lamina"]
        for slices in (200, 800)
    }
    found = summed(alternate(sides, repeats, work, "long"))
    # The file's bytes and their float32 image, the network's image, the label map twice.
    arrays = {s: 512 * 512 * s * (2 + 4 + 2) + 274 * 274 * s * 0.75 * 4 for s in (200, 800)}
    more = (arrays[800] - arrays[200]) / 2**20
    grown = found["800 slices"]["memory_mib"] - found["200 slices"]["memory_mib"] - more
    share = grown / found["200 slices"]["memory_mib"]
    return found | {"arrays_grew_mib": round(more), "growth_beyond_arrays": round(share, 3)}


def nnunet(work: Path, repeats: int) -> Result:
    """Case 3: nnU-Net v2 with the same network, weights and windows, mirroring off."""
    tool = Path(OPTIONS.nnunet or "/nowhere") / "nnUNetv2_predict_from_modelfolder"
    if not tool.is_file():
        return {
            "skipped": "nnU-Net is not there: name the bin/ folder of its environment, --nnunet"
        }
    weights = trained_weights(work / "dynunet.pt", 2, 60, dynunet())
    model = write_model(work / "nnunet_model", weights)
    # On its own grid, in windows that both lay alike, the maths of the two is the same.
    write_scan(
        work / "grid" / "scan_0000.nii.gz",
        144,
        2,
        0,
        side=192,
        spacing=(1.5, 1.5, 2.0),
        flipped=False,
    )
    write_scan(work / "one_nn" / "scan_0000.nii.gz", 200, 2, 0, flipped=False)
    found: Result = {}
    for scans in (work / "grid", work / "one_nn"):
        theirs = [
            str(tool),
            "-i",
            str(scans),
            "-o",
            str(_out(work, "nnunet", scans)),
            "-m",
            str(model),
        ]
        theirs += ["-f", "0", "-device", "cpu", "--disable_tta", "-npp", "1", "-nps", "1"]
        sides = {
            "nnU-Net": theirs,
            "Lamina": lamina_line(
                work, scans, dynunet_task(TASKS / "hippocampus_mr.json"), weights
            ),
        }
        found[scans.name] = summed(alternate(sides, repeats, work, scans.name))
        mine = min(_out(work, "lamina", scans).glob("*.nii.gz"))
        found[scans.name]["equal"] = difference(
            mine, min(_out(work, "nnunet", scans).glob("*.nii.gz"))
        )
    return found


def twenty_volumes(work: Path, repeats: int) -> Result:
    """Case 4: a folder of 20 volumes, cases per minute."""
    scans = _folder(work, "twenty", 20)
    mine = sides_of(work, scans, _spleen(work), 2)["Lamina"]
    found = summed(alternate({"Lamina": mine}, 1, work, "twenty"))
    return found | {"cases_per_minute": round(20 * 60 / found["Lamina"]["seconds"], 1)}


def thousand_pictures(work: Path, repeats: int) -> Result:
    """Case 4: 1,000 pictures of 512×256, cases per minute."""
    from lamina.phantoms import write_oct_pictures

    scans = (
        write_oct_pictures(work / "pictures", train=1, test=50, size=(256, 512)) / "test" / "images"
    )
    for copy in range(1, 20):
        for path in sorted(scans.glob("*[0-9].png")):
            (path.with_name(f"{path.stem}_{copy}x.png")).write_bytes(path.read_bytes())
    weights = work / "pictures.pt"
    torch.manual_seed(0)
    torch.save(unet(2, 14).state_dict(), weights)
    line = [*BUNDLE, "inference", "--config_file", str(ROOT / "configs" / "inference.json")]
    line += ["--task", f"%{TASKS / 'ioct_layers.json'}", "--bundle_root", str(ROOT)]
    line += ["--weights", str(weights), "--input_dir", str(scans), "--overwrite", "True"]
    line += ["--output_dir", str(work / "out" / "pictures")]
    found = summed(alternate({"Lamina": line}, 1, work, "pictures"))
    count = len(list(scans.glob("*.png")))
    return found | {
        "pictures": count,
        "cases_per_minute": round(count * 60 / found["Lamina"]["seconds"]),
    }


def train_2d(work: Path, repeats: int) -> Result:
    """Case 5: the 14-class 2D U-Net against a plain float32 loop in PyTorch."""
    from lamina.phantoms import write_oct_pictures

    codes = json.loads((TASKS / "ioct_layers.json").read_text())["phantoms"]["codes"]
    data = write_oct_pictures(work / "train_2d", train=40, test=8, size=(256, 512), codes=codes)
    plain = [sys.executable, str(SCRIPTS / "benchmark_training.py"), "plain", str(data), "3"]
    return _trained(plain, "ioct_layers", data, work, repeats)


def train_3d(work: Path, repeats: int) -> Result:
    """Case 5: 3D patches against MONAI's trainer with its usual transforms."""
    data = write_small_volumes(work / "train_3d", 48)
    task = TASKS / "hippocampus_mr.json"
    stock = [
        sys.executable,
        str(SCRIPTS / "benchmark_training.py"),
        "stock",
        str(data),
        "4",
        str(task),
    ]
    return _trained(stock, "hippocampus_mr", data, work, repeats)


def _trained(other: list[str], task: str, data: Path, work: Path, repeats: int) -> Result:
    run_dir = work / "runs" / task
    mine = [*BUNDLE, "training", "--config_file", str(ROOT / "configs" / "train.json")]
    mine += ["--task", f"%{TASKS / task}.json", "--dataset_dir", str(data), "--epochs", "5"]
    mine += ["--run_dir", str(run_dir), "--val_interval", "99", "--fresh", "True"]
    runs = alternate(
        {"other": other, "Lamina": [*mine, "--bundle_root", str(ROOT)]}, repeats, work, task
    )
    found = summed(runs)
    rates = [float(m[1]) for run in runs["other"] if (m := re.search(r"second: (\S+)", run.output))]
    history = json.loads((run_dir / "history.json").read_text())
    seen = len(json.loads((run_dir / "splits.json").read_text())["training"])
    settings = json.loads((TASKS / f"{task}.json").read_text())
    patches = seen * _number(settings["patches_per_case"])
    batch = _number(settings["batch_size"])
    epoch = statistics.median(row["seconds"] for row in history[1:-1])
    # An epoch is a whole number of batches.
    found["images_per_second"] = {
        "other": statistics.median(rates),
        "Lamina": round(-(-patches // batch) * batch / epoch, 2),
    }
    speeds = found["images_per_second"]
    return found | {"times_more_images": round(speeds["Lamina"] / speeds["other"], 2)}


def _number(value: Any) -> int:
    return int(value["3" if "3" in value else "2"]) if isinstance(value, dict) else int(value)


def processor(work: Path, repeats: int) -> Result:
    """Case 6: the network's floating-point operations in a second, and those of one convolution."""
    from torch.utils.flop_counter import FlopCounterMode

    from lamina.inference.backends import bf16_network

    window = torch.rand(1, 1, 96, 96, 96)
    with torch.no_grad():
        network = unet(3, 2).eval()
        with FlopCounterMode(display=False) as counter:
            network(window)
        fast = bf16_network(network, window)
        conv = torch.nn.Conv3d(128, 128, 3, padding=1).to(torch.bfloat16)
        conv = conv.to(memory_format=torch.channels_last_3d)
        large = torch.rand(1, 128, 64, 64, 64).to(
            torch.bfloat16, memory_format=torch.channels_last_3d
        )
        seconds = {"network": [], "convolution": []}
        for _ in range(10):
            seconds["network"].append(_seconds(lambda: fast(window)))
            seconds["convolution"].append(_seconds(lambda: conv(large)))
    flops = {"network": counter.get_total_flops(), "convolution": 2 * 128 * 128 * 27 * 64**3}
    rates = {k: round(flops[k] / statistics.median(v[2:]) / 1e9) for k, v in seconds.items()}
    return {"gflops_per_second": rates, "share": round(rates["network"] / rates["convolution"], 3)}


def _seconds(call: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


CASES: dict[str, Callable[[Path, int], Result]] = {
    "one_volume": one_volume,
    "many_classes": many_classes,
    "train_2d": train_2d,
    "train_3d": train_3d,
    "processor": processor,
    "per_volume": per_volume,
    "without_bf16": without_bf16,
    "long_scan": long_scan,
    "nnunet": nnunet,
    "twenty_volumes": twenty_volumes,
    "thousand_pictures": thousand_pictures,
}
SHORT = ("one_volume", "many_classes", "train_2d", "train_3d", "processor")


def machine() -> Result:
    """Return what the figures were measured on."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.is_file() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "bf16_units": torch.cpu.get_capabilities().get("amx_bf16", False),
        "threads": torch.get_num_threads(),
        "load_average": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "system": platform.platform(),
        "date": time.strftime("%Y-%m-%d"),
    }


def main() -> None:
    """Measure, print, and write what was seen."""
    names = list(CASES) if OPTIONS.full else list(SHORT)
    names = OPTIONS.cases.split(",") if OPTIONS.cases else names
    work = OPTIONS.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    target = work / "benchmark.json"
    results = json.loads(target.read_text()) if target.is_file() else {}
    for name in names:
        print(f"{name}: {CASES[name].__doc__}", flush=True)
        about = machine()
        results[name] = CASES[name](work, OPTIONS.repeats) | {"machine": about}
        target.write_text(json.dumps(results, indent=2) + "\n")
        shown = {k: v for k, v in results[name].items() if k != "machine" and not _has_runs(v)}
        print(f"  {json.dumps(shown)}", flush=True)
    print(f"written to {target}")


def _has_runs(value: Any) -> bool:
    return isinstance(value, dict) and "runs" in value


def options() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "benchmark")
    parser.add_argument("--cases", help=f"some of {', '.join(CASES)}, separated by commas")
    parser.add_argument(
        "--repeats", type=int, default=2, help="the first of several is not counted"
    )
    parser.add_argument("--full", action="store_true", help="all cases, not only the short ones")
    parser.add_argument("--nnunet", metavar="BIN", help="bin/ of an environment with nnunetv2")
    return parser.parse_args()


if __name__ == "__main__":
    OPTIONS = options()
    main()
