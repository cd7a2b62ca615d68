"""One HTML file that shows an evaluation to a person who did not run it."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from lamina.metrics import METRICS
from lamina.output.pictures import ERROR_COLOURS
from lamina.output.report_agreement import agreement_charts
from lamina.output.report_boxes import box_charts
from lamina.output.report_curves import curve_charts
from lamina.output.report_page import Picture, write_page
from lamina.output.report_text import (
    choose_examples,
    leading_metric,
    opening_sentences,
    rank_cases,
)
from lamina.output.report_uncertainty import uncertainty_chart
from lamina.tasks import Label


def write_report(
    path: str | os.PathLike[str],
    summary: Mapping[str, Any],
    pictures: Mapping[str, Mapping[str, Mapping[str, Picture]]],
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
        The panels of each case, {case: {view: {title: PNG}}}, as bytes or files; files are read
        one after the other. A case may have none. Of the examples all views are shown, of the
        others the first; a view without a name has no heading.
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
    write_page(
        path,
        "report.html",
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
        uncertainty=uncertainty_chart(summary),
        curves=curve_charts(curves or []),
    )
