"""``lamina annotations convert``: drawn shapes as masks, with pictures to check them by eye."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina.commands.workflow import add_command

if TYPE_CHECKING:
    from lamina.annotations.convert import Converted, Drawing
    from lamina.annotations.find_picture import Pictures
    from lamina.tasks.labels import Label

_COUNTED = ("objects", "shapes", "pixels")


def add(commands: Any) -> None:
    """Register ``convert``."""
    parser = commands.add_parser(
        "annotations",
        help="turn drawn shapes into masks",
        description="Turn drawn shapes into masks.",
    )
    inner = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    convert = add_command(
        inner,
        "convert",
        "draw the shapes of VIA, labelme, COCO or CVAT as masks with a task's class values, and "
        "pictures to check them by eye",
        _convert,
        "lamina annotations convert via_project.json --images images --labels octid_layers "
        "-o masks",
    )
    convert.add_argument(
        "source", metavar="FILE", help="the tool's JSON or XML file; for labelme also a folder"
    )
    convert.add_argument("--images", metavar="DIR", required=True, help="the annotated pictures")
    convert.add_argument(
        "--labels", metavar="TASK", required=True, help="the task whose labels are drawn"
    )
    convert.add_argument(
        "-o", "--output-dir", metavar="DIR", required=True, help="folder for the masks"
    )
    _add_rules(convert)


def _add_rules(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how shapes are drawn")
    group.add_argument(
        "--order",
        metavar="NAMES",
        help="labels from the lowest to the topmost, separated by commas; default: later shapes "
        "cover earlier ones",
    )
    group.add_argument(
        "--attribute", metavar="NAME", help="for VIA: the attribute that holds the label"
    )
    group.add_argument(
        "--line-width",
        type=float,
        default=3.0,
        metavar="PIXELS",
        help="pixels; for lines that enclose no area; default: 3",
    )
    group.add_argument("--ignore", metavar="NAMES", help="labels that are left out")
    group.add_argument(
        "--keep-empty",
        action="store_true",
        help="a picture without shapes is background; default: it gets no mask",
    )


def _convert(options: argparse.Namespace) -> int:
    from lamina.annotations.convert import MaskFolder, convert
    from lamina.annotations.find_picture import Pictures
    from lamina.annotations.read import read_annotations
    from lamina.tasks.catalogue import find_task, read_task
    from lamina.tasks.labels import read_labels

    labels = read_labels(read_task(find_task(options.labels))["labels"])
    drawing = _drawing(options, labels)
    annotated = read_annotations(Path(options.source).expanduser(), options.attribute)
    pictures = Pictures(Path(options.images).expanduser())
    folder = MaskFolder(Path(options.output_dir).expanduser(), pictures)
    results = []
    for one in annotated:
        made = convert(one, pictures, drawing)
        path = folder.write(made)
        if path:
            _write_overlay(made, path, folder.path, labels)
        made.forget_pixels()
        results.append(made)
    print("\n".join(report(results, pictures, labels)))
    return 1 if any(made.problem for made in results) else 0


def _drawing(options: argparse.Namespace, labels: "Sequence[Label]") -> "Drawing":
    from lamina.annotations.convert import Drawing
    from lamina.errors import ConfigError

    classes = {label.name: label.value for label in labels}
    order = tuple(name.strip() for name in (options.order or "").split(",") if name.strip())
    unknown = [name for name in order if name not in classes]
    if unknown:
        raise ConfigError(
            f"--order: {', '.join(unknown)}", f"the task's labels are {', '.join(classes)}"
        )
    if options.line_width <= 0:
        raise ConfigError(f"--line-width {options.line_width:g}", "give more than 0 pixels")
    ignore = frozenset(name.strip() for name in (options.ignore or "").split(","))
    return Drawing(classes, order, ignore, options.line_width, options.keep_empty)


def _write_overlay(made: "Converted", mask: Path, folder: Path, labels: "Sequence[Label]") -> None:
    """Draw the mask on its picture, at the same path below ``overlays/``."""
    from lamina.pictures.overlays import write_overlay
    from lamina.readers.grid import pixel_grid
    from lamina.writers.segmented_case import SegmentedCase

    if made.image is None or made.mask is None:
        return
    relative = mask.relative_to(folder)
    case = SegmentedCase(
        name=relative.stem,
        address=str(made.picture),
        image=made.image[None],
        label=made.mask,
        grid=pixel_grid(made.mask.shape),
        labels=tuple(labels),
    )
    write_overlay(case, folder / "overlays" / relative.parent)


def report(
    results: "Sequence[Converted]", pictures: "Pictures", labels: "Sequence[Label]"
) -> list[str]:
    """Return the summary: counts by label, warnings, problems."""
    lines = [f"{'LABEL':<20} {'PICTURES':>8} {'OBJECTS':>8} {'SHAPES':>8} {'PIXELS':>10}"]
    for name in (label.name for label in labels):
        having = [made for made in results if made.shapes[name]]
        sums = [sum(getattr(made, what)[name] for made in having) for what in _COUNTED]
        if having or name != labels[0].name:
            lines.append(f"{name:<20} {len(having):>8} {sums[0]:>8} {sums[1]:>8} {sums[2]:>10}")
    lines += [f"warning: {made.name}: {text}" for made in results for text in made.warnings]
    lines += [f"no mask: {made.name}: {made.problem}" for made in results if made.problem]
    others = pictures.others({made.picture for made in results if made.picture})
    if others:
        lines.append(f"{others} picture(s) in {pictures.folder} are not annotated in this file")
    done = sum(made.problem is None for made in results)
    return [*lines, f"{done} of {len(results)} annotated pictures have a mask"]
