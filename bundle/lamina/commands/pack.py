"""``lamina pack``: a task as one self-contained MONAI bundle."""

import argparse
from pathlib import Path
from typing import Any

from lamina.commands.workflow import add_command, add_task, trusted_task


def add(commands: Any) -> None:
    """Register the command."""
    parser = add_command(
        commands,
        "pack",
        "write a task as one MONAI bundle that runs without Lamina: a folder and a zip",
        _pack,
        "lamina pack hippocampus_mr -o ~/bundles",
    )
    add_task(parser)
    parser.add_argument(
        "-o", "--output-dir", metavar="DIR", required=True, help="folder for the bundle"
    )
    parser.add_argument("--run-dir", metavar="DIR", help="the run whose weights are packed")
    parser.add_argument(
        "--weights",
        metavar="FILE|released|none",
        help="default: the finished run in --run-dir (runs/TASK), else the released model; "
        "none packs a bundle that is to be trained",
    )


def _pack(options: argparse.Namespace) -> int:
    from lamina.console import speak_plainly
    from lamina.inference.weights import find_weights
    from lamina.package.pack import pack_task
    from lamina.tasks.catalogue import CHECKOUT, read_task

    speak_plainly()
    task = trusted_task(options.task, options.trust)
    name = read_task(task)["name"]
    run_dir = options.run_dir or str(CHECKOUT / "runs" / name)
    released = str(CHECKOUT / "models" / name / "model.pt")
    packed_without = options.weights == "none"
    weights = None if packed_without else find_weights(options.weights, run_dir, released)
    for path in pack_task(task, weights, Path(options.output_dir).expanduser()):
        print(path)
    return 0
