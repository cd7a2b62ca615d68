"""A data set of made-up chest X-rays, in the layout of Montgomery County's set and as merged."""

import itertools
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamina.annotations.merge import merge_masks
from lamina.phantoms.chest import ChestVariety, ChestXray, make_chest_xray
from lamina.phantoms.folder import make_once, require_numbers

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
    chests = Chests(cases, seed, size, variety or ChestVariety())
    raw = [f"raw/{part}" for part in (RAW_IMAGES, RAW_LEFT, RAW_RIGHT)]
    files = chests.files(*raw, "dataset/images", "dataset/masks")
    recipe = {"recipe": RECIPE, "sides": sides, **asdict(chests)}
    return make_once(folder, recipe, files, partial(_write, chests=chests, sides=sides)) / "dataset"


@dataclass(frozen=True)
class Chests:
    """The X-rays of a data set; each depends on the seed and on its own number only.

    Parameters
    ----------
    cases
        Number of patients.
    seed
        Of all of them, from 0.
    size
        Columns and rows of the smallest picture; others are up to a quarter larger.
    variety
        How chests and pictures differ.
    """

    cases: int
    seed: int
    size: tuple[int, int]
    variety: ChestVariety

    def __post_init__(self) -> None:
        require_numbers(cases=self.cases, seed=self.seed)

    def files(self, *places: str) -> list[str]:
        """Return the path of each picture in each of the folders."""
        return [f"{place}/{_name(number)}" for number in range(self.cases) for place in places]

    def make(self) -> Iterator[tuple[str, ChestXray]]:
        """Yield the name of each file and what it shows; no two patients are taken alike."""
        for number in range(self.cases):
            growth = 1 + np.random.default_rng((self.seed, number, 1)).uniform(0, 0.25, 2)
            size = int(self.size[0] * growth[0]), int(self.size[1] * growth[1])
            yield _name(number), make_chest_xray((self.seed, number), size, self.variety)


def _name(number: int) -> str:
    return f"cxr_{number:03d}.png"


def _write(folder: Path, chests: Chests, sides: bool) -> None:
    raw = folder / "raw"
    for (name, made), mode in zip(chests.make(), itertools.cycle(_MODES), strict=False):
        save_picture(raw / RAW_IMAGES / name, made.image, mode)
        save_picture(raw / RAW_LEFT / name, made.left)
        save_picture(raw / RAW_RIGHT / name, made.right)
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
