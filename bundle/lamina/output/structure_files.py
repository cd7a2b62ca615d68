"""Each structure by itself as a black and white picture."""

from pathlib import Path

import numpy as np

from lamina.cases.names import unique_names
from lamina.errors import GeometryError
from lamina.output.label_files import save_label_image
from lamina.output.predicted_case import PredictedCase


def write_structures(case: PredictedCase, folder: Path) -> list[Path]:
    """Write ``NAME_structures/STRUCTURE.png`` for each structure: 255 where it is, else 0.

    Raises
    ------
    GeometryError
        If the case is a volume.
    """
    if case.label.ndim != 2:
        raise GeometryError(
            f"{case.name}: a volume, whose structures are no pictures",
            "choose nifti, nrrd or dicomseg",
        )
    names = unique_names([one.name for one in case.labels[1:]])
    return [
        save_label_image(
            255 * (case.label == one.value).astype(np.uint8),
            case.affine,
            folder / f"{case.name}_structures",
            name,
        )
        for one, name in zip(case.labels[1:], names, strict=True)
    ]
