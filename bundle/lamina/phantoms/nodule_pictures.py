"""A data set of synthetic X-rays with nodules, cropped to the lungs."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from lamina.phantoms.chest import ChestVariety
from lamina.phantoms.chest_pictures import Chests, save_picture
from lamina.phantoms.fields import smooth_field
from lamina.phantoms.folder import make_once
from lamina.prepare.crop import crop_dataset

RECIPE = 2


def write_nodule_pictures(
    folder: str | Path,
    *,
    cases: int = 60,
    seed: int = 100,
    size: tuple[int, int] = (360, 400),
    error: float = 0.025,
    variety: Mapping[str, Any] | None = None,
) -> Path:
    """Write X-rays with nodules, and the data set in which they are cropped to the lungs.

    ``raw/`` holds ``images/``, ``masks/`` (nodules are 1), ``lungs/`` (left 1, right 2) and
    ``found/``, lungs with errors as in a network's prediction, to which ``dataset/`` is cropped as
    by ``lamina prepare crop``. The folder is made by `make_once`.

    Parameters
    ----------
    folder, cases, seed, size
        As in `lamina.phantoms.write_chest_pictures`.
    error
        The largest ``error`` of `rough_region`, which is drawn for each patient.
    variety
        Arguments of `lamina.phantoms.ChestVariety`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as new:
    ...     path = write_nodule_pictures(f"{new}/cxr", cases=1, size=(60, 70))
    ...     sorted(str(file.relative_to(path)) for file in path.rglob("*.png"))
    ['images/cxr_000.png', 'masks/cxr_000.png']
    """
    chests = Chests(cases, seed, size, ChestVariety(**(variety or {})))
    raw = [f"raw/{name}" for name in ("images", "masks", "lungs", "found")]
    files = chests.files(*raw, "dataset/images", "dataset/masks")
    recipe = {"recipe": RECIPE, "error": error, **asdict(chests)}
    return make_once(folder, recipe, files, partial(_write, chests=chests, error=error)) / "dataset"


def _write(folder: Path, chests: Chests, error: float) -> None:
    raw = folder / "raw"
    for number, (name, xray) in enumerate(chests.make()):
        rng = np.random.default_rng((chests.seed, number, 2))
        predicted = rough_region(rng, xray.left | xray.right, rng.uniform(0, error))
        save_picture(raw / "images" / name, xray.image)
        save_picture(raw / "masks" / name, xray.nodules / 255)
        save_picture(raw / "lungs" / name, (xray.left + 2.0 * xray.right) / 255)
        save_picture(raw / "found" / name, predicted / 255)
    for _, problem in crop_dataset(raw, raw / "found", folder / "dataset"):
        assert problem is None, problem


_SCALE = 0.06


def rough_region(
    rng: np.random.Generator, region: NDArray[np.bool_], error: float
) -> NDArray[np.bool_]:
    """Return a region whose edge is off the true one.

    Parameters
    ----------
    rng
        Draws the distance at each position.
    region
        (columns, rows).
    error
        The standard deviation of the distance, in fractions of the picture's width. Where it is
        larger than half of the region's width, a hole appears.

    Examples
    --------
    >>> region = np.zeros((40, 50), dtype=bool)
    >>> region[10:30, 10:40] = True
    >>> rough = rough_region(np.random.default_rng(0), region, 0.03)
    >>> bool(0.7 < 2 * (rough & region).sum() / (rough.sum() + region.sum()) < 1)
    True
    """
    inside = distance_transform_edt(region) - distance_transform_edt(~region)
    width = region.shape[0]
    off = error * width * smooth_field(rng, region.shape, (_SCALE * width,) * region.ndim)
    return np.asarray(inside + off > 0)
