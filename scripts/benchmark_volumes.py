"""Volumes: stock MONAI against Lamina, and Lamina by itself on folders and long scans."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from benchmark_inputs import trained_weights, unet, write_scan
from benchmark_runs import BUNDLE, ROOT, TASKS, Plan, Result, alternate, difference, summed
from benchmark_sides import lamina_task, stock_config


def lamina_line(work: Path, scans: Path, task: Mapping[str, Any], weights: Path) -> list[str]:
    """Return the command by which Lamina segments a folder as the others do."""
    file = work / f"task_{weights.stem}.json"
    file.write_text(json.dumps(task))
    line = [*BUNDLE, "inference", "--config_file", str(ROOT / "configs" / "inference.json")]
    line += ["--task", f"%{file}", "--bundle_root", str(ROOT), "--weights", str(weights)]
    line += ["--overlap", "0.5", "--overwrite", "True", "--formats", "nifti"]
    return [*line, "--input_dir", str(scans), "--output_dir", str(output_of(work, "lamina", scans))]


def sides_of(work: Path, scans: Path, weights: Path, classes: int) -> dict[str, list[str]]:
    """Return the command line of stock MONAI and of Lamina for a folder of scans."""
    stock = work / f"stock_{scans.name}.json"
    stock.write_text(
        json.dumps(stock_config(scans, output_of(work, "stock", scans), weights, classes))
    )
    task = lamina_task(TASKS / "hippocampus_mr.json", classes)
    mine = lamina_line(work, scans, task, weights)
    return {
        "stock MONAI": [*BUNDLE, "--config_file", str(stock)],
        "Lamina": [*mine, "--blending", "constant"],
    }


def output_of(work: Path, side: str, scans: Path) -> Path:
    """Return where a side's results of a folder go."""
    return work / "out" / side / scans.name


def _against_stock(work: Path, scans: Path) -> Result:
    mine = min(output_of(work, "lamina", scans).glob("*.nii.gz"))
    return difference(mine, min(output_of(work, "stock", scans).rglob("*_trans.nii.gz")))


def _spleen(work: Path) -> Path:
    return trained_weights(work / "spleen.pt", 2, 60)


def _folder(work: Path, name: str, count: int, slices: int = 200) -> Path:
    for seed in range(count):
        write_scan(work / name / f"scan_{seed:02}.nii.gz", slices, 2, seed)
    return work / name


def one_volume(plan: Plan) -> Result:
    """Case 1: one CT-like volume of 512×512×200, whole processes."""
    scans = _folder(plan.work, "one", 1)
    found = summed(alternate(sides_of(plan.work, scans, _spleen(plan.work), 2), plan, "one"))
    return found | {"equal": _against_stock(plan.work, scans)}


def per_volume(plan: Plan, count: int = 4, *more: str) -> Result:
    """Case 1 in a folder: seconds for each volume after the first."""
    runs = {}
    for folder in (_folder(plan.work, "one", 1), _folder(plan.work, "several", count)):
        sides = sides_of(plan.work, folder, _spleen(plan.work), 2)
        sides["Lamina"] += more
        runs[folder.name] = summed(alternate(sides, plan, folder.name))
    each = {
        side: (runs["several"][side]["seconds"] - runs["one"][side]["seconds"]) / (count - 1)
        for side in ("stock MONAI", "Lamina")
    }
    return runs["several"] | {
        "seconds_per_volume": each,
        "times_faster_per_volume": round(each["stock MONAI"] / each["Lamina"], 2),
        "equal": _against_stock(plan.work, plan.work / "several"),
    }


def without_bf16(plan: Plan) -> Result:
    """Case 1 in a folder, on what a processor without bfloat16 units can do: OpenVINO, float32."""
    return per_volume(plan, 3, "--backend", "openvino")


def many_classes(plan: Plan) -> Result:
    """Case 2: 105 classes, on the largest scan that the stock way can hold."""
    scans = plan.work / "classes"
    write_scan(scans / "scan.nii.gz", 60, 105, 0, side=320)
    weights = trained_weights(plan.work / "classes.pt", 105, 25)
    found = summed(alternate(sides_of(plan.work, scans, weights, 105), plan, "classes"))
    return found | {"equal": _against_stock(plan.work, scans)}


def long_scan(plan: Plan) -> Result:
    """Peak memory for 200 and for 800 slices, and what the arrays themselves take."""
    sides = {
        f"{slices} slices": sides_of(
            plan.work, _folder(plan.work, f"long_{slices}", 1, slices), _spleen(plan.work), 2
        )["Lamina"]
        for slices in (200, 800)
    }
    found = summed(alternate(sides, plan, "long"))
    # The file's bytes and their float32 image, the network's image, the label map twice.
    arrays = {s: 512 * 512 * s * (2 + 4 + 2) + 274 * 274 * s * 0.75 * 4 for s in (200, 800)}
    more = (arrays[800] - arrays[200]) / 2**20
    grown = found["800 slices"]["memory_mib"] - found["200 slices"]["memory_mib"] - more
    share = grown / found["200 slices"]["memory_mib"]
    return found | {"arrays_grew_mib": round(more), "growth_beyond_arrays": round(share, 3)}


def twenty_volumes(plan: Plan) -> Result:
    """Case 4: a folder of 20 volumes, cases per minute."""
    scans = _folder(plan.work, "twenty", 20)
    mine = sides_of(plan.work, scans, _spleen(plan.work), 2)["Lamina"]
    found = summed(alternate({"Lamina": mine}, replace(plan, repeats=1), "twenty"))
    return found | {"cases_per_minute": round(20 * 60 / found["Lamina"]["seconds"], 1)}


def thousand_pictures(plan: Plan) -> Result:
    """Case 4: 1,000 pictures of 512×256, cases per minute."""
    from lamina.phantoms.oct_pictures import write_oct_pictures

    scans = (
        write_oct_pictures(plan.work / "pictures", train=1, test=50, size=(256, 512))
        / "test"
        / "images"
    )
    for copy in range(1, 20):
        for path in sorted(scans.glob("*[0-9].png")):
            (path.with_name(f"{path.stem}_{copy}x.png")).write_bytes(path.read_bytes())
    weights = plan.work / "pictures.pt"
    torch.manual_seed(0)
    torch.save(unet(2, 14).state_dict(), weights)
    line = [*BUNDLE, "inference", "--config_file", str(ROOT / "configs" / "inference.json")]
    line += ["--task", f"%{TASKS / 'ioct_layers.json'}", "--bundle_root", str(ROOT)]
    line += ["--weights", str(weights), "--input_dir", str(scans), "--overwrite", "True"]
    line += ["--output_dir", str(plan.work / "out" / "pictures")]
    found = summed(alternate({"Lamina": line}, replace(plan, repeats=1), "pictures"))
    count = len(list(scans.glob("*.png")))
    return found | {
        "pictures": count,
        "cases_per_minute": round(count * 60 / found["Lamina"]["seconds"]),
    }
