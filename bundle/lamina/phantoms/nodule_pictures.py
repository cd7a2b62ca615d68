"""A folder of synthetic X-rays cut to their lungs, with nodules."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from lamina.phantoms.chest import ChestVariety, ChestXray
from lamina.phantoms.chest_pictures import Chests, save_picture
from lamina.phantoms.fields import smooth_field
from lamina.phantoms.folder import make_once
from lamina.prepare.crop import crop_dataset

RECIPE = 2
"""Raise it whenever the same parameters give other pictures than before."""


def write_nodule_pictures(
    folder: str | Path,
    *,
    cases: int = 60,
    seed: int = 100,
    size: tuple[int, int] = (360, 400),
    error: float = 0.025,
    variety: Mapping[str, Any] | None = None,
) -> Path:
    """Write X-rays with nodules whole, and cut to the lungs as the data set.

    ``raw/`` holds ``images/``, ``masks/`` (nodules are 1), ``lungs/`` (left 1, right 2) and
    ``found/``, lungs as rough as a network finds them; ``dataset/`` is what
    ``lamina prepare crop`` makes of these, so that a network learns what it will be given. The
    folder is complete or absent; a second call does nothing.

    Parameters
    ----------
    folder
        Where they go; the path of ``dataset/`` is returned.
    cases
        Number of patients.
    seed
        A picture depends on it and on its own number only.
    size
        Columns and rows of the smallest picture; others are up to a quarter larger.
    error
        By how much the edge of the found lungs is off at most, as `rough_region` takes it; each
        patient's lungs are found more or less well.
    variety
        How chests and pictures differ, as `lamina.phantoms.ChestVariety` takes it.

    Raises
    ------
    ConfigError
        If there is nothing to make.
    DataError
        If the folder holds anything else than this very data set.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as new:
    ...     made = write_nodule_pictures(f"{new}/cxr", cases=1, size=(60, 70))
    ...     sorted(str(path.relative_to(made)) for path in made.rglob("*.png"))
    ['images/cxr_000.png', 'masks/cxr_000.png']
    """
    chests = Chests(cases, seed, size, ChestVariety(**(variety or {})))
    raw = [f"raw/{part}" for part in ("images", "masks", "lungs", "found")]
    files = chests.files(*raw, "dataset/images", "dataset/masks")
    recipe = {"recipe": RECIPE, "error": error, **asdict(chests)}
    return make_once(folder, recipe, files, partial(_write, chests=chests, error=error)) / "dataset"


def _write(folder: Path, chests: Chests, error: float) -> None:
    raw = folder / "raw"
    for number, (name, made) in enumerate(chests.make()):
        rng = np.random.default_rng((chests.seed, number, 2))
        found = rough_region(rng, made.left | made.right, rng.uniform(0, error))
        _write_raw(raw, name, made, found)
    for _, problem in crop_dataset(raw, raw / "found", folder / "dataset"):
        assert problem is None, problem


def _write_raw(raw: Path, name: str, made: ChestXray, found: NDArray[np.bool_]) -> None:
    save_picture(raw / "images" / name, made.image)
    save_picture(raw / "masks" / name, made.nodules / 255)
    save_picture(raw / "lungs" / name, (made.left + 2.0 * made.right) / 255)
    save_picture(raw / "found" / name, found / 255)


_SCALE = 0.06


def rough_region(
    rng: np.random.Generator, region: NDArray[np.bool_], error: float
) -> NDArray[np.bool_]:
    """Return a region whose edge lies elsewhere than the true one.

    Parameters
    ----------
    rng
        Draws how far the edge is off at each place.
    region
        (columns, rows).
    error
        The standard deviation of that distance, in parts of the picture's width. Where it is
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
