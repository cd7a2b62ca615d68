"""``lamina train``: a task on a folder of images and labels."""

import argparse
from pathlib import Path
from typing import Any

from lamina.commands.workflow import (
    add_command,
    add_dataset,
    add_run_dir,
    add_task,
    add_workflow,
    overrides,
    run_workflow,
    trusted_task,
)


def add(commands: Any) -> None:
    """Register the command."""
    parser = add_command(
        commands,
        "train",
        "train a task on a folder of images and labels",
        _train,
        "lamina train hippocampus_mr --dataset-dir ~/Task04_Hippocampus --epochs 30",
    )
    add_task(parser)
    add_dataset(parser)
    add_run_dir(parser)
    parser.add_argument("--epochs", type=int, metavar="N", help="how often each case is seen")
    parser.add_argument("--batch-size", type=int, metavar="N", help="patches per step")
    parser.add_argument(
        "--loss", metavar="NAME", help="dice_ce, cross_entropy, …; default: the task's"
    )
    parser.add_argument("--lr", type=float, metavar="RATE", help="largest learning rate")
    parser.add_argument(
        "--patience",
        type=int,
        metavar="N",
        help="stop after N validations without a better one; default: never",
    )
    parser.add_argument(
        "--patch-size", metavar="X,Y[,Z]", help="size of a patch in voxels, as 64,64"
    )
    add_workflow(parser)
    parser.add_argument(
        "--precision", choices=("auto", "fp32", "bf16"), help="default: auto, by the processor"
    )
    parser.add_argument(
        "--compile",
        choices=("auto", "always", "never"),
        help="torch.compile the network; default: auto, if a long 2D training gains by it",
    )
    parser.add_argument("--num-workers", type=int, metavar="N", help="processes that load data")
    parser.add_argument(
        "--fresh", action="store_true", help="discard what the run's folder holds and start again"
    )


def _train(options: argparse.Namespace) -> int:
    if options.folds is None:
        return run_workflow("training", "train.json", options)
    from lamina.bundle_line import bundle_arguments
    from lamina.commands.folds import train_folds
    from lamina.tasks.catalogue import CHECKOUT

    task = trusted_task(options.task, options.trust)
    base = Path(options.run_dir or CHECKOUT / "runs" / task.stem).expanduser().resolve()
    return train_folds(
        options,
        lambda one: bundle_arguments("training", "train.json", task, overrides(one)),
        base,
        task,
    )
