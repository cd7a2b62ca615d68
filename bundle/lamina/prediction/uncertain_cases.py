"""Which cases of a prediction to review first: those that are most uncertain."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lamina.files import write_table
from lamina.metrics.statistics import unusually_high

NAME = "uncertainty.csv"
COLUMNS = ("case", "uncertainty", "unusual")

logger = logging.getLogger("lamina")


def rank_uncertain(cases: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the cases that have an "uncertainty", the most uncertain first.

    "unusual" says whether it is far above the others' (`unusually_high`).

    Examples
    --------
    >>> rank_uncertain([{"case": "a", "uncertainty": 0.1}, {"case": "b", "uncertainty": 0.2}])[0]
    {'case': 'b', 'uncertainty': 0.2, 'unusual': False}
    """
    rated = [case for case in cases if case.get("uncertainty") is not None]
    flags = unusually_high([case["uncertainty"] for case in rated])
    rows = [
        dict(zip(COLUMNS, (case["case"], case["uncertainty"], flag), strict=True))
        for case, flag in zip(rated, flags, strict=True)
    ]
    return sorted(rows, key=lambda row: -row["uncertainty"])


def write_uncertain_cases(records: Iterable[Mapping[str, Any]], folder: Path) -> Path | None:
    """Write ``uncertainty.csv`` and say which cases are unusual; without numbers there is no file."""
    path, rows = folder / NAME, rank_uncertain(records)
    if not rows:
        path.unlink(missing_ok=True)
        return None
    write_table(path, COLUMNS, [row | {"unusual": "yes" if row["unusual"] else ""} for row in rows])
    unusual = [f"{row['case']} ({row['uncertainty']:.3f})" for row in rows if row["unusual"]]
    advice = f"; look first at {', '.join(unusual[:5])}" if unusual else ""
    logger.info("the most uncertain cases first: %s%s", path, advice)
    return path
