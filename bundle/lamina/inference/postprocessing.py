"""Post-processing of label maps: steps that a task or a run declares."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai.transforms import Compose

from lamina.errors import ConfigError
from lamina.files import read_json
from lamina.tasks.components import (
    find_target,
    postprocessing_problems,
    postprocessing_target,
)

NAME = "postprocessing.json"

Step = Mapping[str, Any]

_REMEDY = "fix it, or remove it to run without post-processing"

logger = logging.getLogger("lamina")


def find_postprocessing(
    weights: str | None, run_dir: str | Path, of_task: Sequence[Step] | None
) -> list[Step]:
    """Return the steps that belong to the weights in use: those chosen for a run, or the task's.

    Parameters
    ----------
    weights
        As for `lamina.inference.find_members`: what was chosen on the folds of a run counts only
        where their networks are used.
    run_dir
        Folder of the run.
    of_task
        The task's own steps.

    Raises
    ------
    ConfigError
        If the run's file holds no steps, or others than post-processing: it is no program.
    """
    path = Path(run_dir, NAME)
    if weights is not None or Path(run_dir, "model.pt").is_file() or not path.is_file():
        return list(of_task or [])
    content = read_json(path)
    steps = content.get("postprocessing") if isinstance(content, dict) else None
    if not isinstance(steps, list):
        raise ConfigError(
            f"{path}: no list 'postprocessing'",
            _REMEDY,
        )
    problems = list(postprocessing_problems(steps, "postprocessing"))
    if problems:
        raise ConfigError(f"{path}: " + "\n".join(problems), _REMEDY)
    logger.info("post-processing: %s (%s)", path, describe_steps(steps))
    return steps


def build_steps(steps: Sequence[Step]) -> Compose:
    """Return the transform that does all steps; MONAI's parser, which runs programs, is not asked.

    Raises
    ------
    ConfigError
        If a step is no post-processing, or lacks or has too many arguments.

    Examples
    --------
    >>> build_steps([])({"pred": 3})
    {'pred': 3}
    """
    problems = list(postprocessing_problems(steps, "postprocessing"))
    if problems:
        raise ConfigError("\n".join(problems), "take steps of the list")
    return Compose([_build(step) for step in steps if not step.get("_disabled_")])


def _build(step: Step) -> Any:
    arguments = {name: value for name, value in step.items() if not name.startswith("_")}
    try:
        return find_target(str(postprocessing_target(step["_target_"])))(**arguments)
    except TypeError as error:
        raise ConfigError(f"postprocessing: {step['_target_']}: {error}", "correct it") from error


def describe_steps(steps: Sequence[Step]) -> str:
    """Return the steps in a line.

    >>> describe_steps([{"_target_": "monai.transforms.FillHolesd", "applied_labels": [1]}])
    'FillHolesd of 1'
    """
    texts = [
        f"{str(step['_target_']).rsplit('.', 1)[-1]} of "
        + ", ".join(str(value) for value in step.get("applied_labels", ["all"]))
        for step in steps
    ]
    return "; ".join(texts) or "nothing"
