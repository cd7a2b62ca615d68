"""``lamina prepare merge-masks``: masks of left and right made into one."""

import argparse
from pathlib import Path
from typing import Any

from lamina.commands.parsers import add_command


def add(commands: Any) -> None:
    """Register the command."""
    parser = add_command(
        commands,
        "merge-masks",
        "make a data set of pictures whose left and right masks lie in two folders",
        _merge,
        "lamina prepare merge-masks CXR_png ManualMask/leftMask ManualMask/rightMask -o lungs",
    )
    parser.add_argument("images", metavar="IMAGES", help="the pictures")
    parser.add_argument("left", metavar="LEFT", help="masks of the left, named like the pictures")
    parser.add_argument("right", metavar="RIGHT", help="masks of the right")
    parser.add_argument("-o", "--output-dir", metavar="DST", required=True, help="the data set")
    parser.add_argument(
        "--sides", action="store_true", help="left becomes 1 and right 2; default: both become 1"
    )


def _merge(options: argparse.Namespace) -> int:
    from lamina.annotations.merge import merge_masks

    places = (options.images, options.left, options.right, options.output_dir)
    images, left, right, target = (Path(place).expanduser() for place in places)
    done = failed = 0
    for one in merge_masks(images, left, right, target, options.sides):
        for text in one.warnings:
            print(f"warning: {one.name}: {text}")
        if one.problem:
            print(f"left out: {one.name}: {one.problem}")
        done, failed = done + (one.problem is None), failed + (one.problem is not None)
    print(f"{target}: {done} pictures with masks, {failed} left out")
    return 1 if failed else 0
