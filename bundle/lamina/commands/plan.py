"""``lamina plan``: from a data set to a task, and to labels that fit their images."""

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina.commands.workflow import add_command, add_ignore

if TYPE_CHECKING:
    from lamina.planning.survey import Defect, Survey


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
    parser.add_argument("--name", help="name of the task; default: the folder's")
    parser.add_argument(
        "--spatial-dims",
        type=int,
        choices=(2, 3),
        help="default: 3 for volumes, 2 for pictures and where slices lie far apart",
    )
    parser.add_argument(
        "--budget-minutes",
        type=float,
        default=30.0,
        metavar="N",
        help="training time on this machine, for which epochs and batch size are chosen; default: 30",
    )
    parser.add_argument(
        "--memory-gb",
        type=float,
        default=8.0,
        metavar="N",
        help="memory for a training; default: 8",
    )
    parser.add_argument(
        "--background",
        type=int,
        metavar="N",
        help="mask value of the background; default: 0, if it occurs at the masks' edges",
    )
    add_ignore(parser)
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="N",
        help="masks are grey (JPEG, smoothed, resampled): what is N or more is the structure",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="default: configs/tasks/NAME.json")
    parser.add_argument(
        "--report",
        metavar="FOLDER",
        help="folder for the report with pictures; default: runs/NAME/plan",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a task file of that name")
    add_fix(parser)


def _plan(options: argparse.Namespace) -> int:
    return fix(options) if options.fix else _plan_task(options)


def _plan_task(options: argparse.Namespace) -> int:
    from lamina.cases.find import find_cases
    from lamina.errors import DataError
    from lamina.planning.budget import Budget
    from lamina.planning.choices import plan_task
    from lamina.planning.defects import find_defects
    from lamina.planning.mask_values import codes_of, declared_problems, survey_codes
    from lamina.planning.names import class_names
    from lamina.tasks.catalogue import CHECKOUT
    from lamina.tasks.write_task import write_task

    root = Path(options.dataset_dir).expanduser()
    name = re.sub(r"\W+", "_", options.name or root.resolve().name).strip("_").lower()
    target = Path(options.output or CHECKOUT / "configs" / "tasks" / f"{name}.json").expanduser()
    if target.exists() and not options.overwrite:
        raise DataError(f"{target} is there already", "take another --name, or --overwrite it")
    dataset = find_cases(root)
    codes = codes_of(root, options.background, options.ignore, options.threshold)
    survey = survey_codes(dataset.labelled, codes, root)
    _require_background(survey, root, options.background)
    names = class_names(root, survey.values)
    defects = find_defects(survey, [*dataset.problems, *declared_problems(root, survey.values)])
    page = Path(options.report or CHECKOUT / "runs" / name / "plan").expanduser() / "index.html"
    _tell_survey(survey, names, defects, root)
    _write_page(page, survey, names, defects, root)
    _require_cases(survey, root, page)
    budget = Budget(options.budget_minutes, options.memory_gb)
    task = plan_task(
        survey,
        name,
        names,
        dims=options.spatial_dims,
        **codes,
        budget=budget,
    )
    write_task(target, task)
    print(f"\ndivision: {_division(survey, task)}")
    lines = _next_lines(task, target, options.dataset_dir)
    _write_page(page, survey, names, defects, root, task, lines)
    print(
        f"\n{target}: each choice has its reason beside it (_desc_…)\n{page}: the same with pictures"
    )
    print("next: " + " && ".join(lines[:2]))
    return 0


def _require_background(survey: "Survey", root: Path, given: int | None) -> None:
    from lamina.errors import DataError

    if given is None and survey.cases and survey.edge not in (0, None):
        raise DataError(
            f"{root}: the masks' edges hold mostly {survey.edge}, not 0",
            f"if that is the background, add --background {survey.edge}; if it is 0, --background 0; "
            f"if it marks what nobody annotated, --ignore {survey.edge}",
        )


def _require_cases(survey: "Survey", root: Path, page: Path) -> None:
    from lamina.errors import DataError

    if not survey.cases:
        raise DataError(
            f"{root}: no labelled case can be used, so nothing was planned; see {page}",
            "fix the defects above: an image and its label need the same name (docs/your_own_data.md)",
        )


def _tell_survey(
    survey: "Survey", names: Mapping[int, str], defects: Sequence["Defect"], root: Path
) -> None:
    from lamina.planning.table import survey_table

    print(survey_table(survey, names))
    print(f"\ndefects: {len(defects) or 'none'}")
    for defect in defects:
        print(f"- {str(defect).replace(f'{root}/', '')}")


def _write_page(
    page: Path,
    survey: "Survey",
    names: Mapping[int, str],
    defects: Sequence["Defect"],
    root: Path,
    task: Mapping[str, Any] | None = None,
    lines: Sequence[str] = (),
) -> None:
    from lamina.planning.choices import colour_of
    from lamina.planning.page import write_plan_page
    from lamina.planning.survey import Defect
    from lamina.planning.survey_cases import stated_modality
    from lamina.tasks.labels import Label

    background = Label(0, "background", (0, 0, 0))
    labels = [Label(at + 1, names[v], colour_of(at)) for at, v in enumerate(survey.values)]
    write_plan_page(
        page,
        survey,
        [background, *labels],
        [Defect(one.text.replace(f"{root}/", ""), one.remedy, one.cases) for one in defects],
        title=f"Plan of {root.resolve().name}",
        modality=stated_modality(root),
        task=task,
        lines=lines,
    )


def _division(survey: "Survey", task: Mapping[str, Any]) -> str:
    from lamina.cases.splits import split_cases

    values = {case.files.name: tuple(case.structures) for case in survey.cases}
    cases = [case.files for case in survey.cases]
    splits = split_cases(cases, fractions=task["fractions"], values=values)
    counts = ", ".join(f"{len(part)} {name}" for name, part in splits.items())
    few = "" if splits["test"] else "; fewer than 20 cases: folds measure each of them"
    return counts + few


def _next_lines(task: Mapping[str, Any], target: Path, dataset_dir: str) -> list[str]:
    from lamina.tasks.catalogue import CHECKOUT

    known = target.resolve().parent == CHECKOUT / "configs" / "tasks"
    called = task["name"] if known else target
    lines = [
        f"lamina {command} {called} --dataset-dir {dataset_dir}"
        for command in ("check", "train", "evaluate")
    ]
    if task["fractions"][2] > 0:
        return lines
    return [lines[0], f"{lines[1]} --folds 5"]


def add_fix(parser: Any) -> None:
    """Register the options."""
    parser.add_argument(
        "--fix",
        metavar="FOLDER",
        help="plan nothing, but write a data set into this new folder whose labels are brought "
        "onto their images; all else is linked, and the originals stay as they are",
    )
    parser.add_argument(
        "--tolerance-mm",
        type=float,
        default=2.0,
        metavar="N",
        help="with --fix: a label of its image's size that is off by N mm at most is given "
        "the image's affine, others are resampled by nearest neighbour; default: 2",
    )


def fix(options: argparse.Namespace) -> int:
    """Write the fixed data set, and report what was done with each label."""
    from lamina.cases.find import find_cases
    from lamina.planning.fix import write_fixed

    root, folder = (Path(one).expanduser() for one in (options.dataset_dir, options.fix))
    outcomes = write_fixed(find_cases(root), folder, options.tolerance_mm)
    for outcome in outcomes:
        name = outcome.label.replace(f"{root}/", "")
        print(f"- {name}: {'' if outcome.fixed else 'left as it is: '}{outcome.text}")
    fixed = sum(outcome.fixed for outcome in outcomes)
    if not outcomes:
        print("every label fits its image already")
    print(f"{folder}: {fixed} label(s) fixed, {len(outcomes) - fixed} left as they are")
    print(f"next: lamina plan {folder}")
    return 0 if fixed == len(outcomes) else 1
