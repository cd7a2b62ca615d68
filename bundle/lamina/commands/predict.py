"""``lamina predict``: a file or a folder of images."""

import argparse
from pathlib import Path
from typing import Any

from lamina.commands.then import predict_then
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
from lamina.temporary import temporary_folder


def add(commands: Any) -> None:
    """Register the command."""
    parser = add_command(
        commands,
        "predict",
        "segment a file or a folder of images",
        _predict,
        "lamina predict hippocampus_mr ~/scans -o ~/masks",
    )
    add_task(parser)
    _add_input(parser)
    parser.add_argument(
        "--then",
        metavar="TASK2",
        help="segment TASK2 within the structures of TASK, and measure both",
    )
    parser.add_argument(
        "--then-weights",
        metavar="FILE",
        help="weights of TASK2; default: its run's, else the released model",
    )
    parser.add_argument("-o", "--output-dir", metavar="DIR", help="default: RUN/predictions")
    parser.add_argument(
        "--formats",
        metavar="LIST",
        help="nifti,png,structures,nrrd,dicomseg,probabilities; default: the task's, else nifti for "
        "volumes, png for pictures, and dicomseg besides where the source is DICOM",
    )
    parser.add_argument(
        "--uncertainty",
        action="store_true",
        help="a map (NAME_uncertainty.nii.gz) and a number for each case, from 0 to 1: how far "
        "several networks, or the mirror images of --tta, disagree",
    )
    add_pixel_size(parser)
    parser.add_argument(
        "--overwrite", action="store_true", help="predict cases again that are already done"
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="cases that are read ahead; default: 1"
    )
    add_dataset(parser)
    add_run_dir(parser)
    add_weights(parser)
    _add_selection(parser)
    add_series_rules(parser)
    add_workflow(parser)


def _add_input(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "input",
        nargs="?",
        metavar="INPUT",
        help="file or folder of images; default: the test cases of the data set",
    )
    parser.add_argument("--input-dir", metavar="DIR", help="the same as INPUT")


def _add_selection(parser: argparse.ArgumentParser) -> None:
    choose = parser.add_argument_group("which images of a folder; by default all")
    choose.add_argument("--plane", choices=("axial", "coronal", "sagittal", "oblique"))
    choose.add_argument("--modality", metavar="MR|CT|…", help="only DICOM series of this modality")
    choose.add_argument(
        "--series-description",
        metavar="TEXT",
        help="only DICOM series whose description contains TEXT",
    )


def _predict(options: argparse.Namespace) -> int:
    from lamina.zips import unpacked

    options.input_dir = options.input or options.input_dir
    with temporary_folder() as room:
        if options.input_dir is not None:
            options.input_dir = unpacked(Path(options.input_dir).expanduser(), room)
        return predict_then(options, _infer) if options.then else _infer(options)


def _infer(options: argparse.Namespace) -> int:
    return run_workflow("inference", "inference.json", options)
