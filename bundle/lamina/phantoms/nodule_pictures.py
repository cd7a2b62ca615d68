"""A data set of nodules within lungs: made-up X-rays that are cut to their lungs."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lamina.errors import ConfigError
from lamina.phantoms.chest import ChestVariety, make_chest_xray
from lamina.phantoms.chest_pictures import case_sizes, save_picture
from lamina.phantoms.folder import make_once
from lamina.prepare.crop import crop_dataset

RECIPE = 1
"""Raise it whenever the same parameters give other pictures than before."""


def write_nodule_pictures(
    folder: str | Path,
    *,
    cases: int = 60,
    seed: int = 100,
    size: tuple[int, int] = (360, 400),
    variety: Mapping[str, Any] | None = None,
) -> Path:
    """Write X-rays with nodules whole, and cut to the lungs as the data set.

    ``raw/`` holds ``images/``, ``masks/`` (nodules are 1) and ``lungs/`` (left 1, right 2);
    ``dataset/`` is what ``lamina prepare crop`` makes of them. The folder is complete or absent; a
    second call does nothing.

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
    if cases < 1 or seed < 0:
        raise ConfigError(f"cases {cases}, seed {seed}: expected at least 1 case and a seed from 0")
    chests = ChestVariety(**(variety or {}))
    recipe = {"recipe": RECIPE, "cases": cases, "seed": seed, "size": list(size)}
    places = ("raw/images", "raw/masks", "raw/lungs", "dataset/images", "dataset/masks")
    files = [f"{place}/cxr_{number:03d}.png" for number in range(cases) for place in places]

    def write(new: Path) -> None:
        for number, shape in enumerate(case_sizes(cases, seed, size)):
            _write_raw(new / "raw", f"cxr_{number:03d}.png", (seed, number), shape, chests)
        for _, problem in crop_dataset(new / "raw", new / "raw" / "lungs", new / "dataset"):
            assert problem is None, problem

    return make_once(folder, recipe | {"variety": asdict(chests)}, files, write) / "dataset"


def _write_raw(
    raw: Path, name: str, seed: tuple[int, int], shape: tuple[int, int], variety: ChestVariety
) -> None:
    made = make_chest_xray(seed, shape, variety)
    save_picture(raw / "images" / name, made.image)
    save_picture(raw / "masks" / name, made.nodules / 255)
    save_picture(raw / "lungs" / name, (made.left + 2.0 * made.right) / 255)
