"""A data set of made-up chest X-rays, in the layout of Montgomery County's set and as merged."""

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamina.annotations.merge import merge_masks
from lamina.errors import ConfigError
from lamina.phantoms.chest import ChestVariety, make_chest_xray
from lamina.phantoms.folder import make_once

RECIPE = 1
"""Raise it whenever the same parameters give other pictures than before."""

RAW_IMAGES, RAW_LEFT, RAW_RIGHT = "CXR_png", "ManualMask/leftMask", "ManualMask/rightMask"
_MODES = ("L", "RGB", "RGBA", "I;16")


def write_chest_pictures(
    folder: str | Path,
    *,
    cases: int = 60,
    seed: int = 0,
    size: tuple[int, int] = (360, 400),
    sides: bool = False,
    variety: ChestVariety | None = None,
) -> Path:
    """Write X-rays and masks of left and right lung, and the data set that is merged of them.

    ``raw/`` has the layout of the Montgomery County set, with pictures that are grey, RGB, RGBA
    and of 16 bits in turn; ``dataset/`` is what ``lamina prepare merge-masks`` makes of it. The
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
    sides
        Left lungs are 1 and right ones 2; otherwise both are 1.
    variety
        How chests and pictures differ.

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
    ...     made = write_chest_pictures(f"{new}/cxr", cases=1, size=(40, 50))
    ...     sorted(str(path.relative_to(made)) for path in made.rglob("*.png"))
    ['images/cxr_000.png', 'masks/cxr_000.png']
    """
    if cases < 1 or seed < 0:
        raise ConfigError(f"cases {cases}, seed {seed}: expected at least 1 case and a seed from 0")
    settings = {"seed": seed, "size": list(size), "variety": asdict(variety or ChestVariety())}
    recipe = {"recipe": RECIPE, "cases": cases, "sides": sides, **settings}
    names = [f"cxr_{number:03d}.png" for number in range(cases)]
    raw = [f"raw/{part}" for part in (RAW_IMAGES, RAW_LEFT, RAW_RIGHT)]
    places = [*raw, "dataset/images", "dataset/masks"]
    files = [f"{place}/{name}" for name in names for place in places]
    write = partial(_write, cases=cases, sides=sides, seed=seed, size=size, variety=variety)
    return make_once(folder, recipe, files, write) / "dataset"


def case_sizes(cases: int, seed: int, size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield columns and rows of each picture: no two patients are taken alike."""
    for number in range(cases):
        growth = 1 + np.random.default_rng((seed, number, 1)).uniform(0, 0.25, 2)
        yield int(size[0] * growth[0]), int(size[1] * growth[1])


def _write(
    folder: Path,
    cases: int,
    sides: bool,
    seed: int,
    size: tuple[int, int],
    variety: ChestVariety | None,
) -> None:
    raw = folder / "raw"
    for number, shape in enumerate(case_sizes(cases, seed, size)):
        made = make_chest_xray((seed, number), shape, variety)
        name = f"cxr_{number:03d}.png"
        grey = {RAW_LEFT: 255 * made.left, RAW_RIGHT: 255 * made.right}
        save_picture(raw / RAW_IMAGES / name, made.image, _MODES[number % len(_MODES)])
        for part, values in grey.items():
            save_picture(raw / part / name, values / 255)
    images, left, right = (raw / part for part in (RAW_IMAGES, RAW_LEFT, RAW_RIGHT))
    for merged in merge_masks(images, left, right, folder / "dataset", sides):
        assert merged.problem is None, merged


def save_picture(path: Path, values: NDArray[Any], mode: str = "L") -> None:
    """Save values from 0 to 1, (columns, rows), as a PNG of 8 or 16 bits, grey or in colours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode == "I;16":
        Image.fromarray((65535 * values.T).astype(np.uint16)).save(path)
    else:
        Image.fromarray((255 * values.T).astype(np.uint8)).convert(mode).save(path)
