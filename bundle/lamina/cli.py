"""``lamina …``: short commands, each for one line of MONAI's bundle runner.

Heavy imports stand in the functions that need them, so that ``--help`` comes at once.
"""

import argparse
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lamina import __version__
from lamina.commands import (
    annotations,
    check,
    compare,
    dicom,
    label,
    pack,
    plan,
    prepare,
    scan,
    serve,
)
from lamina.commands.division import DIVISION, add_division
from lamina.commands.parsers import add_command, add_task
from lamina.commands.then import predict_then
from lamina.errors import LaminaError, find_cause

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 failed, 2 wrong use."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = _parse([_with_hyphens(word) for word in words])
    try:
        status = options.command(options)
    except KeyboardInterrupt:
        print(
            "\ninterrupted; the same command goes on where it was, or begins anew", file=sys.stderr
        )
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the one place where errors become messages
        return _report(error, options.debug)
    return status or 0


def _parse(words: list[str]) -> argparse.Namespace:
    """Parse; take INPUT behind options too, where argparse does not look for it."""
    parser = _parser()
    options, rest = parser.parse_known_args(words)
    if len(rest) == 1 and not rest[0].startswith("-") and vars(options).get("input", "") is None:
        options.input = rest.pop()
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return options


def _report(error: Exception, debug: bool) -> int:
    cause = find_cause(error)
    if cause is None or debug:
        traceback.print_exception(error)
    if cause is None:
        print("this is a bug of Lamina: please report it with the lines above", file=sys.stderr)
    else:
        print(f"error: {cause}", file=sys.stderr)
    return 1


def _with_hyphens(word: str) -> str:
    """Let ``--run_dir`` mean ``--run-dir``, and leave values as they are.

    >>> _with_hyphens("--run_dir=my_run"), _with_hyphens("my_task")
    ('--run-dir=my_run', 'my_task')
    """
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lamina",
        description="Segment medical images with a U-Net: train, predict, evaluate.",
        epilog="Each command prints the `python -m monai.bundle` line that it stands for. "
        "`lamina COMMAND --help` tells more.",
    )
    parser.add_argument("--version", action="version", version=f"lamina {__version__}")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_tasks(commands)
    _add_train(commands)
    _add_predict(commands)
    _add_evaluate(commands)
    _add_data(commands)
    plan.add(commands)
    compare.add(commands)
    scan.add(commands)
    prepare.add(commands)
    annotations.add(commands)
    dicom.add(commands)
    check.add(commands)
    pack.add(commands)
    label.add(commands)
    serve.add(commands)
    return parser


def _add_tasks(commands: Any) -> None:
    add_command(commands, "tasks", "list what Lamina can segment", _tasks, "lamina tasks")


def _add_train(commands: Any) -> None:
    parser = add_command(
        commands,
        "train",
        "train a task on a folder of images and labels",
        _train,
        "lamina train hippocampus_mr --dataset-dir ~/Task04_Hippocampus --epochs 30",
    )
    add_task(parser)
    _dataset(parser)
    _run_dir(parser)
    parser.add_argument("--epochs", type=int, metavar="N", help="how often each case is seen")
    parser.add_argument("--batch-size", type=int, metavar="N", help="patches of one step")
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
    parser.add_argument("--patch-size", metavar="X,Y[,Z]", help="voxels of a patch, as 64,64")
    _workflow(parser)
    parser.add_argument(
        "--precision", choices=("auto", "fp32", "bf16"), help="default: auto, by the processor"
    )
    parser.add_argument("--num-workers", type=int, metavar="N", help="processes that load data")
    parser.add_argument(
        "--fresh", action="store_true", help="throw away what the run's folder holds"
    )


def _add_predict(commands: Any) -> None:
    parser = add_command(
        commands,
        "predict",
        "segment a file or a folder of images",
        _predict,
        "lamina predict hippocampus_mr ~/scans -o ~/masks",
    )
    add_task(parser)
    parser.add_argument(
        "input", nargs="?", metavar="INPUT", help="file or folder; without, the held-out cases"
    )
    parser.add_argument("--input-dir", metavar="DIR", help="the same as INPUT")
    parser.add_argument(
        "--then", metavar="TASK2", help="segment within what TASK found too, and measure both"
    )
    parser.add_argument(
        "--then-weights", metavar="FILE", help="of TASK2; default: its run, else the released model"
    )
    parser.add_argument("-o", "--output-dir", metavar="DIR", help="default: RUN/predictions")
    parser.add_argument(
        "--formats",
        metavar="LIST",
        help="nifti,png,structures,nrrd,dicomseg,probabilities; default: the task's, else nifti for "
        "volumes, png for pictures, and dicomseg besides where the source is DICOM",
    )
    parser.add_argument(
        "--pixel-size", metavar="X,Y", help="of pictures, which do not say it: in mm, as 0.01,0.004"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="do cases again that are done already"
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="cases that are read ahead; default: 1"
    )
    _dataset(parser)
    _run_dir(parser)
    _weights(parser)
    choose = parser.add_argument_group("which images of a folder; by default all")
    choose.add_argument("--plane", choices=("axial", "coronal", "sagittal", "oblique"))
    choose.add_argument("--modality", metavar="MR|CT|…", help="of DICOM series")
    choose.add_argument("--series-description", metavar="TEXT", help="that it contains")
    _workflow(parser)


def _add_evaluate(commands: Any) -> None:
    parser = add_command(
        commands,
        "evaluate",
        "measure how well a trained task does on labelled cases, with a report",
        _evaluate,
        "lamina evaluate hippocampus_mr --dataset-dir ~/Task04_Hippocampus --split test",
    )
    add_task(parser)
    _dataset(parser)
    _run_dir(parser)
    parser.add_argument(
        "--split",
        choices=("test", "validation", "training", "all"),
        help="which cases; default: test",
    )
    parser.add_argument("-o", "--output-dir", metavar="DIR", help="default: RUN/evaluation")
    _weights(parser)
    _workflow(parser)


def _add_data(commands: Any) -> None:
    parser = add_command(
        commands,
        "data",
        "say what a folder holds, how it is paired and split, and what is wrong with it",
        _data,
        "lamina data ~/my_images --task hippocampus_mr",
    )
    parser.add_argument("dataset_dir", metavar="DIR", help="folder with images and labels")
    parser.add_argument("--task", metavar="TASK", help="check the labels for this task")
    add_division(parser)


def _dataset(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dataset-dir", metavar="DIR", help="images and labels; default: the task's phantoms"
    )


def _run_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run-dir", metavar="DIR", help="the run's files; default: runs/TASK")


def _weights(parser: argparse.ArgumentParser) -> None:
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


def _workflow(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--spatial-dims",
        type=int,
        choices=(2, 3),
        help="2 works slice by slice, 3 on volumes; default: the task's",
    )
    add_division(parser)


PATHS = ("dataset_dir", "run_dir", "input_dir", "output_dir", "weights")
NOT_IDS = ("task", "then", "then_weights", "command", "debug", "input")


def _overrides(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options that were given, as ids of the config; paths are made absolute."""
    given = {
        name: value
        for name, value in vars(options).items()
        if name not in NOT_IDS and value is not None and value is not False
    }
    for name in PATHS:
        if name in given and given[name] != "released":
            parts = given[name].split(",") if name == "weights" else [given[name]]
            given[name] = ",".join(str(Path(part).expanduser().resolve()) for part in parts)
    if "patch_size" in given:
        given["patch_size"] = _numbers(
            "--patch-size", given["patch_size"], int, "64,64 or 64,64,32"
        )
    if "pixel_size" in given:
        given["pixel_size"] = _numbers("--pixel-size", given["pixel_size"], float, "0.01,0.004")
    return given


def _numbers(name: str, text: str, kind: type, example: str) -> list[float]:
    try:
        return [kind(part) for part in text.replace("[", "").replace("]", "").split(",")]
    except ValueError as error:
        raise LaminaError(f"{name} {text!r}", f"write it as {example}") from error


def _run(run_id: str, config: str, options: argparse.Namespace) -> int:
    from lamina.bundle_line import bundle_arguments, run_bundle
    from lamina.tasks.catalogue import CHECKOUT, find_task, read_task

    task = find_task(options.task)
    read_task(task)
    overrides = _overrides(options)
    if run_id != "training" and options.spatial_dims is None and options.weights is None:
        from lamina.inference.weights import dims_of_run

        overrides |= dims_of_run(options.run_dir or CHECKOUT / "runs" / task.stem)
    run_bundle(bundle_arguments(run_id, config, task, overrides))
    return 0


def _train(options: argparse.Namespace) -> int:
    if options.folds is None or options.fold is not None:
        return _run("training", "train.json", options)
    from lamina.bundle_line import bundle_arguments
    from lamina.commands.folds import train_folds
    from lamina.tasks.catalogue import CHECKOUT, find_task

    task = find_task(options.task)
    base = Path(options.run_dir or CHECKOUT / "runs" / task.stem).expanduser().resolve()
    return train_folds(
        options, lambda one: bundle_arguments("training", "train.json", task, _overrides(one)), base
    )


def _predict(options: argparse.Namespace) -> int:
    from lamina.cases.zips import unpacked

    options.input_dir = options.input or options.input_dir
    with tempfile.TemporaryDirectory(prefix="lamina-") as room:
        if options.input_dir is not None:
            options.input_dir = unpacked(Path(options.input_dir).expanduser(), Path(room))
        return predict_then(options, _infer) if options.then else _infer(options)


def _infer(options: argparse.Namespace) -> int:
    return _run("inference", "inference.json", options)


def _evaluate(options: argparse.Namespace) -> int:
    return _run("evaluating", "evaluate.json", options)


def _tasks(_: argparse.Namespace) -> int:
    from lamina.tasks.catalogue import CHECKOUT, read_task, task_files

    print(f"{'TASK':<18} {'DIMS':<5} {'PHANTOMS':<9} {'RELEASED':<9} WHAT")
    for path in task_files():
        task = read_task(path)
        released = (CHECKOUT / "models" / path.stem / "model.pt").is_file()
        phantoms = "yes" if task.get("phantoms") else "no"
        dims = f"{task['spatial_dims']}D"
        print(
            f"{path.stem:<18} {dims:<5} {phantoms:<9} {'yes' if released else 'no':<9} "
            f"{task['title']}"
        )
    return 0


def _data(options: argparse.Namespace) -> int:
    from lamina.cases import describe, find_cases
    from lamina.tasks.catalogue import find_task, read_task
    from lamina.tasks.labels import read_labels

    folder = Path(options.dataset_dir).expanduser()
    dataset = find_cases(folder, patient_pattern=options.patient_pattern)
    task = read_task(find_task(options.task)) if options.task else None
    labels = read_labels(task["labels"]) if task else None
    division = {name: getattr(options, name) for name in DIVISION if name != "patient_pattern"}
    division = {name: value for name, value in division.items() if value is not None}
    if task:
        division["fractions"] = task["fractions"]
    print(describe(dataset, labels, task["label_values"] if task else None, **division))
    return 0


if __name__ == "__main__":
    sys.exit(main())
