"""``lamina prepare retouch``: OCT volumes of three vendors become one data set."""

import argparse
from pathlib import Path
from typing import Any

from lamina.commands.parsers import add_command


def add(commands: Any) -> None:
    """Register the command."""
    parser = add_command(
        commands,
        "retouch",
        "make the OCT volumes of the RETOUCH challenge alike, and divide them by case",
        _prepare,
        "lamina prepare retouch ~/RETOUCH ~/retouch",
    )
    parser.add_argument("source", metavar="SRC", help="holds VENDOR/CASE/oct.mhd, reference.mhd")
    parser.add_argument("target", metavar="DST", help="where the data set goes")
    parser.add_argument(
        "--reference",
        metavar="FILE",
        help="for new volumes: reference.json of the data set that was trained on; default: the "
        "first Spectralis volume of SRC",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the division")


def _prepare(options: argparse.Namespace) -> int:
    from lamina.cases.grid import format_size
    from lamina.prepare import prepare_retouch

    target = Path(options.target).expanduser()
    reference = Path(options.reference).expanduser() if options.reference else None
    source = Path(options.source).expanduser()
    labelled = 0
    for one in prepare_retouch(source, target, reference=reference, seed=options.seed):
        labelled += one.case.truth is not None
        print(f"{one.case.name:<28} {format_size(one.shape):>14}  {one.seconds:6.1f} s", flush=True)
    if labelled:
        print(f"{target}: then lamina train retouch_fluid --dataset-dir {target}")
    else:
        print(f"{target}: then lamina predict retouch_fluid {target / 'images'}")
    return 0
