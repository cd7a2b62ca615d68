"""What a data set holds, as a table for people."""

from collections.abc import Mapping

import numpy as np

from lamina.planning.survey import Survey


def survey_table(survey: Survey, names: Mapping[int, str]) -> str:
    """Return sizes, spacings and intensities, and a row for each structure."""
    if not survey.cases:
        return "no labelled case can be read"
    rows = [f"{len(survey.cases)} labelled cases, {survey.dims}D", ""]
    rows.append(f"{'':<22}{'smallest':>18}{'median':>18}{'largest':>18}")
    rows.append(
        _range("size (voxels)", np.array([one.shape[: survey.dims] for one in survey.cases]))
    )
    unit = survey.cases[0].unit
    steps = np.array([one.spacing[: survey.dims] for one in survey.cases])
    rows.append(_range(f"spacing ({unit})", steps))
    for title, values in {
        "intensity": [one.everywhere for one in survey.cases],
        "in the structures": [one.inside for one in survey.cases if len(one.inside)],
    }.items():
        low, middle, high = (
            np.percentile(np.concatenate(values), (1, 50, 99)) if values else (0, 0, 0)
        )
        rows.append(f"{title:<22}{low:>18.4g}{middle:>18.4g}{high:>18.4g}")
    rows += [
        "",
        f"{'structure':<22}{'value':>6}{'cases':>7}{'voxels (median)':>17}{'share':>9}{'parts (most)':>14}",
    ]
    return "\n".join(rows + [_structure(survey, value, names[value]) for value in survey.values])


def _range(title: str, rows: np.ndarray) -> str:
    shown = [
        " × ".join(f"{n:.4g}" for n in one)
        for one in (rows.min(0), np.median(rows, 0), rows.max(0))
    ]
    return f"{title:<22}" + "".join(f"{text:>18}" for text in shown)


def _structure(survey: Survey, value: int, name: str) -> str:
    having = [one for one in survey.cases if value in one.structures]
    found = [one.structures[value] for one in having]
    share = np.median([s.voxels / np.prod(c.shape) for s, c in zip(found, having, strict=True)])
    voxels = int(np.median([s.voxels for s in found]))
    return f"{name:<22}{value:>6}{len(having):>7}{voxels:>17,}{share:>9.2%}{max(s.parts for s in found):>14}"
