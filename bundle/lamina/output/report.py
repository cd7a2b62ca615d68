"""One HTML file that shows an evaluation to a person who did not run it.

Everything is inside the file (pictures, charts, style), so that it opens without a network and
can be sent by mail. It needs no script; what is unfolded is what is printed.
"""

import base64
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from lamina.files import written_whole
from lamina.metrics import METRICS
from lamina.output.pictures import ERROR_COLOURS
from lamina.output.report_agreement import agreement_charts
from lamina.output.report_boxes import box_charts
from lamina.output.report_curves import curve_charts
from lamina.output.report_text import (
    choose_examples,
    format_interval,
    format_number,
    leading_metric,
    opening_sentences,
    rank_cases,
)
from lamina.tasks import Label

Picture = bytes | os.PathLike[str]


def write_report(
    path: str | os.PathLike[str],
    summary: Mapping[str, Any],
    pictures: Mapping[str, Mapping[str, Picture]],
    *,
    title: str,
    labels: Sequence[Label],
    caption: str = "",
    curves: Sequence[Mapping[str, float]] | None = None,
) -> None:
    """Write the report of an evaluation, whole or not at all.

    Parameters
    ----------
    path
        The HTML file.
    summary
        As ``lamina.output.summary.summarise`` returns it. Its "information", {section: {name:
        value}}, is shown at the end.
    pictures
        The panels of each case, {case: {title: PNG}}, as bytes or files; files are read one after
        the other. A case may have none.
    title
        The heading.
    labels
        The task's labels, background first, for the legend.
    caption
        A sentence on what the pictures show of a case, and how it is turned.
    curves
        The history of the training: a dict for each epoch with "epoch" and numbers.
    """
    ranked = rank_cases(summary)
    leading = leading_metric(summary)
    environment = _environment()
    page = environment.get_template("report.html").stream(
        title=title,
        opening=opening_sentences(summary),
        summary=summary,
        metrics={name: METRICS[name] for name in summary["mean"]},
        leading=leading,
        examples=choose_examples(ranked, leading),
        cases=ranked,
        pictures=pictures,
        caption=caption,
        structures={label.name: label.color for label in labels[1:]},
        errors=ERROR_COLOURS,
        boxes=box_charts(summary, labels),
        agreement=agreement_charts(summary, labels),
        curves=curve_charts(curves or []),
    )
    with written_whole(path) as part:
        page.dump(str(part), encoding="utf-8")


def _environment() -> Environment:
    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": format_number,
        "interval": format_interval,
        "data_uri": _data_uri,
        "is_wide": _is_wide,
        "css_colour": _css_colour,
    }
    environment.globals["style"] = (folder / "report.css").read_text()
    return environment


def _data_uri(picture: Picture) -> str:
    return "data:image/png;base64," + base64.b64encode(_read(picture)).decode("ascii")


def _is_wide(picture: Picture) -> bool:
    """Say whether four of its kind side by side would be too low to see much."""
    wide, high = Image.open(io.BytesIO(_read(picture))).size
    return wide > 1.6 * high


def _read(picture: Picture) -> bytes:
    return picture if isinstance(picture, bytes) else Path(picture).read_bytes()


def _css_colour(colour: Sequence[int]) -> str:
    return f"rgb({', '.join(map(str, colour))})"
