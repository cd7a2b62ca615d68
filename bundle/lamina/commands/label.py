"""``lamina label``: a MONAI Label server, for 3D Slicer."""

import argparse
import logging
from pathlib import Path
from typing import Any

from lamina.commands.workflow import add_command, add_trust, trusted_task
from lamina.errors import ConfigError


def add(commands: Any) -> None:
    """Register the command."""
    parser = add_command(
        commands,
        "label",
        "serve tasks to 3D Slicer's MONAI Label extension: segment, correct, train on corrections",
        _label,
        "lamina label --studies ~/scans --tasks hippocampus_mr",
    )
    parser.add_argument(
        "--studies",
        metavar="DIR|URL",
        required=True,
        help="a folder of images (with subfolders), or the address of a DICOMweb archive",
    )
    parser.add_argument("--tasks", metavar="A,B", help="which tasks; default: all")
    add_trust(parser)
    parser.add_argument(
        "--work-dir",
        metavar="DIR",
        help="where labels, trained weights and logs are kept; default: STUDIES/lamina_label",
    )
    parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1, this machine only")
    parser.add_argument("--port", type=int, default=8000, help="default: 8000")


def _label(options: argparse.Namespace) -> int:
    from lamina.console import speak_plainly
    from lamina.tasks.catalogue import task_files

    speak_plainly()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("lamina").setLevel(logging.INFO)
    _require_server()
    from lamina.label.server import is_archive, serve, work_folder
    from lamina.label.work import Work, alone

    studies = options.studies
    if not is_archive(studies):
        folder = Path(studies).expanduser().resolve()
        if not folder.is_dir():
            raise ConfigError(f"{folder}: no such folder", "correct --studies")
        studies = str(folder)
    work = Work(work_folder(studies, options.work_dir))
    tasks = options.tasks.split(",") if options.tasks else [path.stem for path in task_files()]
    for task in tasks:
        trusted_task(task, options.trust)
    with alone(work.folder, "a server runs there"):
        work.prepare(tasks)
        print(f"server address for 3D Slicer: http://{options.host}:{options.port}", flush=True)
        serve(work.folder, studies, options.host, options.port)
    return 0


def _require_server() -> None:
    from importlib.util import find_spec

    if find_spec("monailabel") is None or find_spec("uvicorn") is None:
        raise ConfigError("MONAI Label is not installed", "make label-setup")
