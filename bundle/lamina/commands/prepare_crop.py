"""``lamina prepare crop``: training data for the second of two steps."""

import argparse
from pathlib import Path
from typing import Any

from lamina.commands.parsers import add_command


def add(commands: Any) -> None:
    """Register the command."""
    parser = add_command(
        commands,
        "crop",
        "cut the images and labels of a data set to what another task found, as "
        "`lamina predict TASK --then TASK2` does before TASK2",
        _crop,
        "lamina prepare crop ~/nodules ~/lungs_found -o ~/nodules_in_lungs",
    )
    parser.add_argument("dataset_dir", metavar="DIR", help="images with labels")
    parser.add_argument("regions", metavar="REGIONS", help="what `lamina predict` wrote for them")
    parser.add_argument("-o", "--output-dir", metavar="DST", required=True, help="the data set")


def _crop(options: argparse.Namespace) -> int:
    from lamina.prepare.crop import crop_dataset

    source, regions, target = (
        Path(place).expanduser()
        for place in (options.dataset_dir, options.regions, options.output_dir)
    )
    done, left_out = 0, 0
    for name, problem in crop_dataset(source, regions, target):
        if problem:
            print(f"left out: {name}: {problem}")
        done, left_out = done + (problem is None), left_out + (problem is not None)
    print(f"{target}: {done} cases, {left_out} left out")
    return 1 if left_out else 0
