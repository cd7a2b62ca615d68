"""``lamina prepare label-values``: which grey value stands for which class, learned once."""

import argparse
from pathlib import Path
from typing import Any

from lamina.commands.parsers import add_command


def add(commands: Any) -> None:
    """Register the command."""
    parser = add_command(
        commands,
        "label-values",
        "learn which grey values stand for a task's classes, and save them in a task file",
        _prepare,
        "lamina prepare label-values ~/my_oct --task ioct_layers -o my_layers.json",
    )
    parser.add_argument("source", metavar="DIR", help="a data set, or a folder of masks")
    parser.add_argument("--task", metavar="TASK", required=True, help="whose classes they are")
    parser.add_argument(
        "--background",
        type=int,
        metavar="VALUE",
        help="the grey value of class 0; the others follow by size. Default: the smallest, "
        "where it is also what most of the pictures' edges show",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", required=True, help="the task file that is written"
    )


def _prepare(options: argparse.Namespace) -> int:
    from lamina.cases.learn_values import learn_values, mask_files
    from lamina.files import write_json
    from lamina.tasks.catalogue import find_task, read_task
    from lamina.tasks.labels import read_labels

    target = Path(options.output).expanduser()
    task = read_task(find_task(options.task))
    names = [label.name for label in read_labels(task["labels"])]
    masks = mask_files(Path(options.source).expanduser())
    learned = learn_values(masks, len(names), options.background)
    print(f"{len(masks)} masks\n{'VALUE':>6} {'CLASS':>6}  NAME{'':<16} MASKS  PIXELS")
    for one, name in zip(learned, names, strict=True):
        print(f"{one.code:>6} {one.value:>6}  {name:<20} {one.masks:>5}  {100 * one.share:.2f} %")
    values = {str(one.code): one.value for one in learned}
    write_json(target, task | {"name": target.stem, "label_values": values})
    print(f"{target}: look whether the names are right, then: lamina train {target}")
    return 0
