"""``lamina evaluate``: how well a trained task does."""

import argparse
from typing import Any

from lamina.commands.workflow import (
    add_command,
    add_dataset,
    add_pixel_size,
    add_run_dir,
    add_series_rules,
    add_task,
    add_weights,
    add_workflow,
    run_workflow,
)


def add(commands: Any) -> None:
    """Register the command."""
    parser = add_command(
        commands,
        "evaluate",
        "measure how well a trained task does on labelled cases, with a report",
        _evaluate,
        "lamina evaluate hippocampus_mr --dataset-dir ~/Task04_Hippocampus --split test",
    )
    add_task(parser)
    add_dataset(parser)
    add_run_dir(parser)
    parser.add_argument(
        "--split",
        choices=("test", "validation", "training", "all"),
        help="which cases to evaluate; default: test",
    )
    parser.add_argument("-o", "--output-dir", metavar="DIR", help="default: RUN/evaluation")
    add_pixel_size(parser)
    add_weights(parser)
    add_series_rules(parser)
    add_workflow(parser)


def _evaluate(options: argparse.Namespace) -> int:
    return run_workflow("evaluating", "evaluate.json", options)
