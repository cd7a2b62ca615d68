"""``lamina plan``: from a folder of images and labels to a task file."""

import argparse
import re
from pathlib import Path
from typing import Any

from lamina.commands.parsers import add_command


def add(commands: Any) -> None:
    """Register the command."""
    parser = add_command(
        commands,
        "plan",
        "look at a data set, name what is wrong with it, and write a task file that fits",
        _plan,
        "lamina plan ~/my_images --name my_task --budget-minutes 30",
    )
    parser.add_argument("dataset_dir", metavar="DIR", help="folder with images and labels")
    parser.add_argument("--name", help="of the task; default: that of the folder")
    parser.add_argument(
        "--spatial-dims", type=int, choices=(2, 3), help="default: as the images are"
    )
    parser.add_argument(
        "--budget-minutes",
        type=float,
        default=30.0,
        metavar="N",
        help="time of a training; default: 30",
    )
    parser.add_argument(
        "--memory-gb", type=float, default=8.0, metavar="N", help="memory of a training; default: 8"
    )
    parser.add_argument(
        "--background",
        type=int,
        metavar="N",
        help="value of masks that is no structure; default: 0, if masks hold it at their edges",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="default: configs/tasks/NAME.json")
    parser.add_argument("--overwrite", action="store_true", help="replace a task file of that name")


def _plan(options: argparse.Namespace) -> int:
    from lamina.cases import find_cases
    from lamina.errors import DataError
    from lamina.planning import Budget, find_defects, plan_task, survey_cases
    from lamina.planning.names import class_names
    from lamina.planning.table import survey_table
    from lamina.tasks.catalogue import CHECKOUT

    root = Path(options.dataset_dir).expanduser()
    name = re.sub(r"\W+", "_", options.name or root.resolve().name).strip("_").lower()
    target = Path(options.output or CHECKOUT / "configs" / "tasks" / f"{name}.json").expanduser()
    if target.exists() and not options.overwrite:
        raise DataError(f"{target} is there already", "take another --name, or --overwrite it")
    dataset = find_cases(root)
    background = options.background or 0
    survey = survey_cases(dataset.labelled, background)
    if options.background is None and survey.cases and survey.edge != background:
        raise DataError(
            f"{root}: the masks' edges hold mostly {survey.edge}, not 0",
            f"if that is the background, add --background {survey.edge}; if it is 0, --background 0",
        )
    defects = [*dataset.problems, *find_defects(survey)]
    names = class_names(root, survey.values)
    print(survey_table(survey, names))
    print(f"\ndefects: {len(defects) or 'none'}")
    for defect in defects:
        print(f"- {defect.replace(f'{root}/', '')}")
    budget = Budget(options.budget_minutes, options.memory_gb)
    task = plan_task(
        survey, name, names, dims=options.spatial_dims, background=background, budget=budget
    )
    _write(task, target)
    _tell(task, target, options)
    return 0


def _write(task: dict[str, Any], target: Path) -> None:
    from lamina.files import written_whole
    from lamina.planning.layout import task_text

    with written_whole(target) as part:
        part.write_text(task_text(task), encoding="utf-8")


def _tell(task: dict[str, Any], target: Path, options: argparse.Namespace) -> None:
    from lamina.tasks.catalogue import CHECKOUT

    known = target.resolve().parent == CHECKOUT / "configs" / "tasks"
    called = task["name"] if known else target
    print(f"\n{target}: each choice has its reason beside it (_desc_…)")
    print(
        f"next: lamina check {called} && lamina train {called} --dataset-dir {options.dataset_dir}"
    )
