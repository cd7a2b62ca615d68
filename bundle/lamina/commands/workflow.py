"""What the commands share: options, and the line of MONAI's runner that they stand for."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lamina.errors import LaminaError

PATHS = ("dataset_dir", "run_dir", "input_dir", "output_dir", "weights")
NOT_IDS = ("task", "then", "then_weights", "command", "debug", "input", "trust")


def add_dataset(parser: argparse.ArgumentParser) -> None:
    """Let a command take a data set."""
    parser.add_argument(
        "--dataset-dir", metavar="DIR", help="images and labels; default: the task's phantoms"
    )


def add_run_dir(parser: argparse.ArgumentParser) -> None:
    """Let a command take the folder of a run."""
    parser.add_argument("--run-dir", metavar="DIR", help="folder of the run; default: runs/TASK")


def add_ignore(parser: argparse.ArgumentParser) -> None:
    """Let a command take the value of label files that means nothing."""
    parser.add_argument(
        "--ignore",
        type=int,
        metavar="N",
        help="value of what nobody annotated, neither learned nor counted; default: the one that "
        "dataset.json calls ignore",
    )


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Let a command choose weights, and what computes them."""
    parser.add_argument(
        "--weights",
        metavar="FILE[,FILE]|released",
        help="default: the finished run in --run-dir, else the released model; the class scores "
        "of several files are averaged",
    )
    parser.add_argument(
        "--backend",
        choices=("auto", "torch", "torch-bf16", "openvino", "onnxruntime"),
        help="what computes the network; default: auto, the fastest on this processor",
    )
    parser.add_argument(
        "--tta",
        choices=("mirror",),
        help="test-time augmentation: average over mirror images, along the axes that the task "
        "mirrors in training; takes twice as long for each axis",
    )


def add_pixel_size(parser: argparse.ArgumentParser) -> None:
    """Let a command take the size of pixels, which pictures do not store."""
    parser.add_argument(
        "--pixel-size",
        metavar="X,Y",
        help="of pictures, which do not store it: in mm, as 0.01,0.004",
    )


def add_series_rules(parser: argparse.ArgumentParser) -> None:
    """Let a command take what is done with DICOM series that are not regular."""
    group = parser.add_argument_group("DICOM series that are not regular; by default as the task's")
    for name, choices, text in (
        ("missing_slices", ("resample", "accept", "refuse"), "interpolate them, or take as even"),
        ("duplicates", ("accept", "refuse"), "slices at one position: accept takes the first"),
        ("tilt", ("accept", "refuse"), "a tilted gantry"),
    ):
        option = "--" + name.replace("_", "-")
        group.add_argument(option, dest=f"series_rules#{name}", choices=choices, help=text)


def add_workflow(parser: argparse.ArgumentParser) -> None:
    """Let a command take what all workflows take."""
    parser.add_argument(
        "--spatial-dims",
        type=int,
        choices=(2, 3),
        help="2 works slice by slice, 3 on volumes; default: the task's",
    )
    add_division(parser)


def overrides(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options that were given, as ids of the config; paths are made absolute."""
    given = {
        name: value
        for name, value in vars(options).items()
        if name not in NOT_IDS and value is not None and value is not False
    }
    for name in PATHS:
        if name in given and given[name] != "released":
            paths = given[name].split(",") if name == "weights" else [given[name]]
            given[name] = ",".join(str(Path(path).expanduser().resolve()) for path in paths)
    if "patch_size" in given:
        given["patch_size"] = _numbers(
            "--patch-size", given["patch_size"], int, "64,64 or 64,64,32"
        )
    if "pixel_size" in given:
        given["pixel_size"] = _numbers("--pixel-size", given["pixel_size"], float, "0.01,0.004")
    return given


def _numbers(name: str, text: str, kind: type, example: str) -> list[float]:
    try:
        return [kind(number) for number in text.replace("[", "").replace("]", "").split(",")]
    except ValueError as error:
        raise LaminaError(f"{name} {text!r}", f"write it as {example}") from error


def run_workflow(run_id: str, config: str, options: argparse.Namespace) -> int:
    """Run a workflow of a config with what the command line gives."""
    from lamina.bundle_line import bundle_arguments, run_bundle
    from lamina.tasks.catalogue import CHECKOUT

    task = trusted_task(options.task, options.trust)
    given = overrides(options)
    if run_id != "training" and options.spatial_dims is None and options.weights is None:
        from lamina.inference.weights import dims_of_run

        given |= dims_of_run(options.run_dir or CHECKOUT / "runs" / task.stem)
    run_bundle(bundle_arguments(run_id, config, task, given))
    return 0


def trusted_task(name: str, trust: bool) -> Path:
    """Return a task's file, which is whole and may run; raises as `require_trust` does."""
    from lamina.tasks.catalogue import find_task, read_task
    from lamina.tasks.trust import require_trust

    task = find_task(name)
    read_task(task)
    require_trust(task, trust)
    return task


DIVISION = ("seed", "fold", "folds", "test_count", "patient_pattern")


def add_division(parser: argparse.ArgumentParser) -> None:
    """Let a command divide cases."""
    group = parser.add_argument_group("division into training, validation and test")
    group.add_argument("--seed", type=int, metavar="N", help="seed of the division; default: 0")
    group.add_argument(
        "--folds",
        type=int,
        metavar="N",
        help="cross-validation: the cases outside the test set in N folds; `train` trains one "
        "after the other, and several processes share them",
    )
    group.add_argument(
        "--fold", type=int, metavar="K", help="the fold that validates, from 0 to N - 1"
    )
    group.add_argument(
        "--test-count", type=int, metavar="N", help="test cases; default: the task's share"
    )
    group.add_argument(
        "--patient-pattern",
        metavar="REGEX",
        help=r"whose first group is the patient in a case's name, as '^(P\d+)_'",
    )


def add_command(
    commands: Any, name: str, text: str, run: Callable[[argparse.Namespace], int], example: str
) -> argparse.ArgumentParser:
    """Return the parser of a new command.

    Parameters
    ----------
    commands
        What ``add_subparsers`` returned.
    name, text, example
        What it is called, what it does in one line, and how it is used.
    run
        Takes the options and returns the exit status.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog="example: " + example,
    )
    parser.set_defaults(command=run)
    parser.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show tracebacks"
    )
    return parser


def add_task(parser: argparse.ArgumentParser) -> None:
    """Let the command take a task, by name or as a file."""
    parser.add_argument("task", metavar="TASK", help="a name from `lamina tasks`, or a task file")
    add_trust(parser)


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Let the user say that a task file from elsewhere may run."""
    parser.add_argument(
        "--trust",
        action="store_true",
        help="let a task file run that is a program (docs/security.md); it is remembered",
    )
