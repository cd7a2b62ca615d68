"""The ``python -m monai.bundle`` line that a short command stands for, and running it."""

import contextlib
import logging
import shlex
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lamina.console import process_restored
from lamina.errors import ConfigError
from lamina.tasks.catalogue import CHECKOUT
from lamina.tasks.config_text import is_live, literal


def bundle_arguments(
    run_id: str, config: str, task: Path, overrides: Mapping[str, Any]
) -> list[str]:
    """Return the words behind ``python -m monai.bundle``, with absolute paths.

    Raises
    ------
    ConfigError
        If MONAI can't be told the task's path.

    Examples
    --------
    >>> words = bundle_arguments("training", "train.json", Path("/t/a.json"), {"epochs": 3})
    >>> words[:2], words[-2:]
    (['run', 'training'], ['--epochs', '3'])
    """
    if is_live(str(task)):
        raise ConfigError(
            f"{task}: MONAI takes a # in a path for an id", "call the file or its folder otherwise"
        )
    words = ["run", run_id, "--config_file", str(CHECKOUT / "configs" / config)]
    words += ["--task", f"%{task}", "--bundle_root", literal(str(CHECKOUT))]
    for name, value in overrides.items():
        words += [f"--{name}", literal(str(value))]
    return words


def run_bundle(words: list[str]) -> None:
    """Print the line and run it in this process, as ``python -m monai.bundle`` would."""
    print("$", shlex.join(["python", "-m", "monai.bundle", *words]), flush=True)
    import fire
    from monai.bundle import run

    # What configs take from one another is named from the checkout's root.
    with process_restored(), contextlib.chdir(CHECKOUT):
        # The configs are Lamina's own: what MONAI says about running those of strangers is left
        # out.
        warnings.filterwarnings("ignore", message="parsing config_file")
        for noisy in ("scripts", "config_parser", "workflows"):
            logging.getLogger(f"monai.bundle.{noisy}").setLevel(logging.ERROR)
        sys.argv = ["monai.bundle", *words]
        fire.Fire({"run": run}, command=words, name="monai.bundle")
