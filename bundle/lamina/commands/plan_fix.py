"""``lamina plan --fix``: a data set beside the old one, whose labels fit their images."""

import argparse
from pathlib import Path
from typing import Any


def add_fix(parser: Any) -> None:
    """Register the options."""
    parser.add_argument(
        "--fix",
        metavar="FOLDER",
        help="plan nothing, but write a data set into this new folder whose labels are brought "
        "onto their images; all else is linked, and the originals stay as they are",
    )
    parser.add_argument(
        "--tolerance-mm",
        type=float,
        default=2.0,
        metavar="N",
        help="with --fix: a label of its image's size that lies beside it by N mm at most is given "
        "the image's place, others are resampled by nearest neighbour; default: 2",
    )


def fix(options: argparse.Namespace) -> int:
    """Write the mended data set, and tell of each label what was done."""
    from lamina.cases import find_cases
    from lamina.output.fixed_labels import write_fixed

    root, folder = (Path(one).expanduser() for one in (options.dataset_dir, options.fix))
    outcomes = write_fixed(find_cases(root), folder, options.tolerance_mm)
    for one in outcomes:
        name = one.label.replace(f"{root}/", "")
        print(f"- {name}: {one.text}" if one.mended else f"- {name}: left as it is: {one.text}")
    mended = sum(one.mended for one in outcomes)
    if not outcomes:
        print("every label fits its image already")
    print(f"{folder}: {mended} label(s) mended, {len(outcomes) - mended} left as they are")
    print(f"next: lamina plan {folder}")
    return 0 if mended == len(outcomes) else 1
