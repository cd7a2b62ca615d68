"""``lamina compare``: two evaluations of the same cases, side by side."""

import argparse
from pathlib import Path
from typing import Any

from lamina.commands.workflow import add_command


def add(commands: Any) -> None:
    """Register the command."""
    parser = add_command(
        commands,
        "compare",
        "say which of two evaluations is better, and for which cases",
        _compare,
        "lamina compare runs/small runs/large --metric surface_dice",
    )
    for name, which in (("first", "A"), ("second", "B")):
        parser.add_argument(
            name, metavar=which, help="a run, its evaluation folder, or the cases.csv in it"
        )
    parser.add_argument(
        "--metric", default="dice", metavar="NAME", help="a column of cases.csv; default: dice"
    )
    parser.add_argument(
        "-o", "--output-dir", metavar="DIR", help="default: comparison/ in B's folder"
    )


def _compare(options: argparse.Namespace) -> int:
    from lamina.evaluation.comparison import (
        compare_evaluations,
        comparison_text,
        find_table,
        write_comparison,
    )
    from lamina.evaluation.comparison_page import write_comparison_page

    first, second = (Path(name).expanduser() for name in (options.first, options.second))
    comparison = compare_evaluations(first, second, options.metric)
    beside = second.parent if second.is_file() else second
    folder = Path(options.output_dir).expanduser() if options.output_dir else beside / "comparison"
    written = write_comparison(comparison, folder)
    folders = [find_table(path).parent for path in (first, second)]
    written.append(
        write_comparison_page(comparison, folders, written[-1], folder / "comparison.html")
    )
    print(comparison_text(comparison))
    print()
    print("written: " + ", ".join(str(path) for path in written))
    return 0
