"""``lamina prepare …``: from what a study starts with to a data set."""

import argparse
from pathlib import Path
from typing import Any

from lamina.commands.workflow import add_command, add_trust, trusted_task


def add(commands: Any) -> None:
    """Register every preparation."""
    parser = commands.add_parser(
        "prepare",
        help="make a data set out of raw material",
        description="Make a data set out of raw material.",
    )
    inner = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_crop(inner)
    _add_label_values(inner)
    _add_merge_masks(inner)
    _add_retouch(inner)


def _add_crop(commands: Any) -> None:
    """Register the command."""
    parser = add_command(
        commands,
        "crop",
        "cut the images and labels of a data set to the structures that another task found, as "
        "`lamina predict TASK --then TASK2` does before TASK2",
        _crop,
        "lamina prepare crop ~/nodules ~/lungs_found -o ~/nodules_in_lungs",
    )
    parser.add_argument("dataset_dir", metavar="DIR", help="images with labels")
    parser.add_argument(
        "regions", metavar="REGIONS", help="output folder of `lamina predict` for these images"
    )
    parser.add_argument(
        "-o", "--output-dir", metavar="DST", required=True, help="folder for the new data set"
    )


def _crop(options: argparse.Namespace) -> int:
    from lamina.prepare.crop import crop_dataset

    source, regions, target = (
        Path(path).expanduser()
        for path in (options.dataset_dir, options.regions, options.output_dir)
    )
    done, left_out = 0, 0
    for name, problem in crop_dataset(source, regions, target):
        if problem:
            print(f"left out: {name}: {problem}")
        done, left_out = done + (problem is None), left_out + (problem is not None)
    print(f"{target}: {done} cases, {left_out} left out")
    return 1 if left_out else 0


def _add_label_values(commands: Any) -> None:
    """Register the command."""
    parser = add_command(
        commands,
        "label-values",
        "learn which grey values stand for a task's classes, and save them in a task file",
        _learn_label_values,
        "lamina prepare label-values ~/my_oct --task ioct_layers -o my_layers.json",
    )
    parser.add_argument("source", metavar="DIR", help="a data set, or a folder of masks")
    parser.add_argument(
        "--task", metavar="TASK", required=True, help="the task whose classes the masks hold"
    )
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
    add_trust(parser)


def _learn_label_values(options: argparse.Namespace) -> int:
    from lamina.prepare.learn_label_values import learn_values, mask_files
    from lamina.tasks.catalogue import read_task
    from lamina.tasks.labels import read_labels
    from lamina.tasks.write_task import write_task

    target = Path(options.output).expanduser()
    task = read_task(trusted_task(options.task, options.trust))
    names = [label.name for label in read_labels(task["labels"])]
    masks = mask_files(Path(options.source).expanduser())
    learned = learn_values(masks, len(names), options.background)
    print(f"{len(masks)} masks\n{'VALUE':>6} {'CLASS':>6}  NAME{'':<16} MASKS  PIXELS")
    for one, name in zip(learned, names, strict=True):
        print(
            f"{one.code:>6} {one.value:>6}  {name:<20} {one.masks:>5}  {100 * one.fraction:.2f} %"
        )
    values = {str(one.code): one.value for one in learned}
    write_task(target, task | {"name": target.stem, "label_values": values})
    print(f"{target}: look whether the names are right, then: lamina train {target}")
    return 0


def _add_merge_masks(commands: Any) -> None:
    """Register the command."""
    parser = add_command(
        commands,
        "merge-masks",
        "make a data set of pictures whose left and right masks lie in two folders",
        _merge,
        "lamina prepare merge-masks CXR_png ManualMask/leftMask ManualMask/rightMask -o lungs",
    )
    parser.add_argument("images", metavar="IMAGES", help="the pictures")
    parser.add_argument(
        "left", metavar="LEFT", help="masks of the left side, named like the pictures"
    )
    parser.add_argument("right", metavar="RIGHT", help="masks of the right side")
    parser.add_argument(
        "-o", "--output-dir", metavar="DST", required=True, help="folder for the new data set"
    )
    parser.add_argument(
        "--sides", action="store_true", help="left becomes 1 and right 2; default: both become 1"
    )


def _merge(options: argparse.Namespace) -> int:
    from lamina.annotations.merge import merge_masks

    folders = (options.images, options.left, options.right, options.output_dir)
    images, left, right, target = (Path(path).expanduser() for path in folders)
    done = failed = 0
    for one in merge_masks(images, left, right, target, options.sides):
        for text in one.warnings:
            print(f"warning: {one.name}: {text}")
        if one.problem:
            print(f"left out: {one.name}: {one.problem}")
        done, failed = done + (one.problem is None), failed + (one.problem is not None)
    print(f"{target}: {done} pictures with masks, {failed} left out")
    return 1 if failed else 0


def _add_retouch(commands: Any) -> None:
    """Register the command."""
    parser = add_command(
        commands,
        "retouch",
        "make the OCT volumes of the RETOUCH challenge alike, and divide them by case",
        _prepare_retouch,
        "lamina prepare retouch ~/RETOUCH ~/retouch",
    )
    parser.add_argument(
        "source", metavar="SRC", help="folder with VENDOR/CASE/oct.mhd and reference.mhd"
    )
    parser.add_argument("target", metavar="DST", help="folder for the data set")
    parser.add_argument(
        "--reference",
        metavar="FILE",
        help="for new volumes: reference.json of the data set that was trained on; default: the "
        "first Spectralis volume of SRC",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed of the division; default: 0"
    )


def _prepare_retouch(options: argparse.Namespace) -> int:
    from lamina.prepare.retouch import prepare_retouch
    from lamina.readers.grid import format_size

    target = Path(options.target).expanduser()
    reference = Path(options.reference).expanduser() if options.reference else None
    source = Path(options.source).expanduser()
    labelled = 0
    for one in prepare_retouch(source, target, reference=reference, seed=options.seed):
        labelled += one.case.fluid is not None
        print(f"{one.case.name:<28} {format_size(one.shape):>14}  {one.seconds:6.1f} s", flush=True)
    if labelled:
        print(f"{target}: then lamina train retouch_fluid --dataset-dir {target}")
    else:
        print(f"{target}: then lamina predict retouch_fluid {target / 'images'}")
    return 0
