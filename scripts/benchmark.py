"""Lamina and others side by side: each side a whole process, medians and peak memory.

    python scripts/benchmark.py [--full] [--cases one_volume,...] [--repeats 3] [--work DIR]

Inputs and weights are made by the benchmark itself. Results go to DIR/benchmark.json and, as a
table, to standard output; docs/performance.md holds the last ones, with what they mean. nnU-Net is
measured where ``--nnunet`` names the bin/ folder of an environment that has it.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmark_against_nnunet import nnunet
from benchmark_epochs import train_2d, train_3d
from benchmark_headers import headers
from benchmark_processor import machine, processor
from benchmark_runs import ROOT, Plan, Result
from benchmark_volumes import (
    long_scan,
    many_classes,
    one_volume,
    per_volume,
    thousand_pictures,
    twenty_volumes,
    without_bf16,
)

CASES: dict[str, Callable[[Plan], Result]] = {
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
    "headers": headers,
}
SHORT = ("one_volume", "many_classes", "train_2d", "train_3d", "processor")


def main(options: argparse.Namespace) -> None:
    """Measure, print, and write what was seen."""
    names = list(CASES) if options.full else list(SHORT)
    names = options.cases.split(",") if options.cases else names
    plan = Plan(options.work.resolve(), options.repeats, options.nnunet)
    plan.work.mkdir(parents=True, exist_ok=True)
    target = plan.work / "benchmark.json"
    results = json.loads(target.read_text()) if target.is_file() else {}
    for name in names:
        title = (CASES[name].__doc__ or "").splitlines()[0]
        print(f"{name}: {title}", flush=True)
        about = machine()
        results[name] = CASES[name](plan) | {"machine": about}
        target.write_text(json.dumps(results, indent=2) + "\n")
        shown = {k: v for k, v in results[name].items() if k != "machine" and not _has_runs(v)}
        print(f"  {json.dumps(shown)}", flush=True)
    print(f"written to {target}")


def _has_runs(value: Any) -> bool:
    return isinstance(value, dict) and "runs" in value


def read_options() -> argparse.Namespace:
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
    main(read_options())
