"""What a client gets of a segmented image: pictures, files and tables."""

import math
from pathlib import Path
from typing import Any, cast

import numpy as np

from lamina.errors import LaminaError
from lamina.pictures.overlays import write_overlay
from lamina.prediction.measurements import measure_prediction, thickness_profile
from lamina.web.descriptions import CaseState, Profile
from lamina.web.slice_views import grey_image, png
from lamina.writers.formats import FORMATS, default_formats
from lamina.writers.segmented_case import SegmentedCase, depth_axis, spacing_of


def overlay_png(case: SegmentedCase) -> bytes:
    """Return a picture with the coloured structures over it, of the picture's own size."""
    label = case.label.reshape(case.label.shape[:2]).T
    grey = grey_image(case.image[0]).reshape(label.T.shape).T
    picture = np.repeat(grey[..., None], 3, axis=-1)
    palette = np.array([label.color for label in case.labels], np.uint8) // 2
    foreground = label > 0
    picture[foreground] = picture[foreground] // 2 + palette[label[foreground]]
    return png(picture)


def describe_case(case: SegmentedCase) -> CaseState:
    """Return what is known of a segmented image, as JSON has it; ``profile`` only of layers."""
    described = {
        "case": case.name,
        "shape": list(case.label.shape),
        "spacing": spacing_of(case),
        "unit": "mm" if case.has_spacing else "px",
        "measurements": measure_prediction(case),
        "profile": _profile(case) if depth_axis(case) is not None else None,
    }
    return cast(CaseState, _plain(described))


def _profile(case: SegmentedCase) -> Profile:
    rows = thickness_profile(case)
    names = [name for name in rows[0] if name not in ("x", "z")]
    table = np.array([[row[name] for name in names] for row in rows])
    means = table.reshape(case.label.shape[0], -1, len(names)).mean(axis=1)
    return {
        "unit": names[0].rsplit("_", 1)[1],
        "layers": {
            label.name: [round(float(value), 3) for value in means[:, number]]
            for number, label in enumerate(case.labels[1:])
        },
    }


def write_files(case: SegmentedCase, folder: Path) -> tuple[list[Path], list[str]]:
    """Write a result in each format that suits it; return the files, and why others are missing."""
    own = ["png", "nifti"] if case.label.ndim == 2 else ["nifti", "nrrd"]
    files: list[Path] = []
    missing = []
    for name in dict.fromkeys([*own, *default_formats(case.address, case.label.ndim)]):
        try:
            files += FORMATS[name](case, folder)
        except LaminaError as error:
            missing.append(f"no {name}: {error}")
    return [*files, write_overlay(case, folder / "overlays")], missing


def write_one(case: SegmentedCase, name: str, folder: Path) -> Path:
    """Write a result in one format; raises ``LaminaError`` where the source does not allow it."""
    return FORMATS[name](case, folder)[0]


def _plain(value: Any) -> Any:
    """Return a value without NaN and infinity, which JSON does not know."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
