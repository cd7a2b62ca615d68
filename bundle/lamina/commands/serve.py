"""``lamina serve``: the web app."""

import argparse
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lamina.commands.workflow import add_command, add_trust, trusted_task


def add(commands: Any) -> None:
    """Register the command."""
    parser = add_command(
        commands,
        "serve",
        "try a model, draw masks and look at results in the browser",
        _serve,
        "lamina serve --task oct_phantom --run runs/demo",
    )
    parser.add_argument(
        "--task", metavar="TASK", help="a name or file; default: the first one that has a model"
    )
    add_trust(parser)
    parser.add_argument(
        "--run", "--run-dir", metavar="DIR", dest="run_dir", help="a run; default: runs/TASK"
    )
    parser.add_argument(
        "--weights",
        metavar="FILE|released",
        help="default: the finished run's, else the released model",
    )
    parser.add_argument("--dataset-dir", metavar="DIR", type=Path, help="images to draw masks for")
    parser.add_argument(
        "--results-dir",
        metavar="DIR",
        type=Path,
        help="what predict or evaluate wrote; default: the run's",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="where it listens; anything but loopback needs an access token, which is made, or "
        "taken from LAMINA_TOKEN; default: %(default)s",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=os.environ.get("PORT", "5000"),
        help="0 takes a free one; default: the environment's PORT, else 5000",
    )
    parser.add_argument(
        "--cors",
        metavar="ORIGIN",
        action="append",
        default=[],
        help="allow requests from pages of this origin, as https://viewer.example, or `null` for a page "
        "opened from a file; may be given several times",
    )


def _serve(options: argparse.Namespace) -> int:
    from lamina.errors import ConfigError

    missing = [name for name in ("fastapi", "uvicorn", "fastapi_offline") if not find_spec(name)]
    if missing:
        raise ConfigError(f"{', '.join(missing)} is not installed", "pip install -e '.[web]'")
    from lamina.console import speak_plainly
    from lamina.web.server import serve, token_from_environment
    from lamina.web.settings import Settings

    speak_plainly()
    if options.task is not None:
        trusted_task(options.task, options.trust)
    serve(
        Settings(
            task=options.task,
            run_dir=options.run_dir,
            weights=_weights(options.weights),
            host=options.host,
            port=options.port,
            token=token_from_environment(),
            cors=tuple(options.cors),
            dataset_dir=_existing(options.dataset_dir, "--dataset-dir"),
            results_dir=_existing(options.results_dir, "--results-dir"),
        )
    )
    return 0


def _weights(given: str | None) -> str | None:
    if given in (None, "released"):
        return given
    return str(Path(given).expanduser().resolve())


def _existing(folder: Path | None, option: str) -> Path | None:
    from lamina.errors import ConfigError

    if folder is None:
        return None
    folder = folder.expanduser().resolve()
    if not folder.is_dir():
        raise ConfigError(f"{option} {folder}: no such folder", "check the path")
    return folder
