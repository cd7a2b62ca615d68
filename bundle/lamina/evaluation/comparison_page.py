"""A comparison as one page, with the cases that differ most."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from lamina.errors import DataError, LaminaError
from lamina.evaluation.comparison import CaseDifference, Comparison, verdict
from lamina.evaluation.saved_label_maps import read_truth
from lamina.files import read_json
from lamina.metrics.catalogue import METRICS
from lamina.pictures.case_pictures import contour_panels
from lamina.pictures.html_page import write_page
from lamina.pictures.panels import Scene
from lamina.readers.images import read_image, read_label
from lamina.tasks.labels import IGNORED, Label


def write_comparison_page(
    comparison: Comparison, folders: Sequence[Path], plot: Path, path: Path
) -> Path:
    """Write the page: verdict, table, a point for each case, and the cases that differ most.

    Parameters
    ----------
    comparison
        What `compare_evaluations` returned.
    folders
        Both evaluations.
    plot
        What `lamina.pictures.plots.write_comparison_plot` drew.
    path
        The HTML file.
    """
    metric = METRICS[comparison.metric]
    write_page(
        path,
        Path(__file__).with_name("comparison.html"),
        comparison=comparison,
        metric=comparison.metric,
        title=f"{metric.title} of {comparison.names[0]} and {comparison.names[1]}",
        metric_title=metric.title,
        verdict=verdict(comparison),
        plot=plot,
        cases=list(compared_cases(comparison, folders)),
        structures={
            label.name: label.color for folder in folders for label in read_labels_of(folder)[1:]
        },
    )
    return path


SHOWN = 5
"""Cases that have pictures."""


@dataclass(frozen=True)
class ComparedCase:
    """A case of a comparison.

    Parameters
    ----------
    name
        The case's.
    rows
        Those of `Comparison.cases` that are of it.
    panels
        PNG by title; empty where ``reason`` says why.
    reason
        Why there are no pictures.
    """

    name: str
    rows: Sequence[CaseDifference]
    panels: Mapping[str, bytes]
    reason: str = ""


def read_labels_of(folder: Path) -> list[Label]:
    """Return the structures of an evaluation; none where it does not name them."""
    entries = _summary(folder).get("labels", [])
    return [
        Label(value, entry["name"], tuple(entry["color"])) for value, entry in enumerate(entries)
    ]


def compared_cases(comparison: Comparison, folders: Sequence[Path]) -> Iterator[ComparedCase]:
    """Yield the cases with the largest differences, in either direction.

    Parameters
    ----------
    comparison
        What `compare_evaluations` returned.
    folders
        Both evaluations, with the label maps that they saved.
    """
    for name in most_different(comparison, SHOWN):
        rows = [row for row in comparison.cases if row["case"] == name]
        try:
            yield ComparedCase(name, rows, _panels(name, folders))
        except LaminaError as error:
            yield ComparedCase(name, rows, {}, str(error))


def most_different(comparison: Comparison, most: int) -> list[str]:
    """Return the names of cases, that with the largest difference of a structure first."""
    largest: dict[str, float] = {}
    for row in comparison.cases:
        size = abs(row["difference"]) if row["difference"] is not None else 0.0
        largest[row["case"]] = max(size, largest.get(row["case"], 0.0))
    unlike = [name for name, size in largest.items() if size > 0]
    return sorted(unlike, key=lambda name: -largest[name])[:most]


def _panels(name: str, folders: Sequence[Path]) -> dict[str, bytes]:
    files = [_files(folder, name) for folder in folders]
    image, _ = read_image(str(files[0]["image"]))
    labels = read_labels_of(folders[0])
    reference, grid = read_truth(folders[0] / files[0]["truth"], len(labels) or IGNORED)
    results = [
        read_label(folder / of["prediction"])[0] for folder, of in zip(folders, files, strict=True)
    ]
    measurement = _summary(folders[0])["information"]["Measurement"]
    layers = measurement["depth_axis"] is not None
    affine = None if layers else grid.affine
    scene = Scene(image, labels, files[0]["spacing"], affine)
    masks = {"reference": reference, "A": results[0], "B": results[1]}
    drawn = contour_panels(scene, masks, focus=results[0] != results[1])
    return {title: _png(panel) for title, panel in drawn.items()}


def _files(folder: Path, name: str) -> Mapping[str, Any]:
    cases = {case["case"]: case for case in _summary(folder).get("cases", [])}
    files: Mapping[str, Any] | None = cases.get(name, {}).get("files")
    if files is None or files["image"] is None:
        raise DataError(
            f"{folder}: no label maps are saved here",
            "run `lamina evaluate` again to see pictures",
        )
    return files


def _summary(folder: Path) -> dict[str, Any]:
    path = folder / "summary.json"
    return dict(read_json(path)) if path.is_file() else {}


def _png(panel: Image.Image) -> bytes:
    buffer = io.BytesIO()
    panel.save(buffer, "PNG")
    return buffer.getvalue()
