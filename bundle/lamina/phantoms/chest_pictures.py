"""A data set of synthetic chest X-rays, in the layout of Montgomery County's set and merged."""

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
    """Write X-rays with masks of left and right lung, and the data set that is merged from them.

    ``raw/`` has the layout of the Montgomery County set, with pictures that are in turn grey, RGB,
    RGBA and of 16 bits; ``dataset/`` is merged as by ``lamina prepare merge-masks``. The folder is
    made by `make_once`.

    Parameters
    ----------
    folder
        New folder; the path of ``dataset/`` in it is returned.
    cases
        Number of patients.
    seed
        A picture depends on it and on its number only.
    size
        Columns and rows of the smallest picture; others are up to a quarter larger.
    sides
        Left lungs are 1 and right ones 2; otherwise both are 1.
    variety
        How chests and pictures differ.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as new:
    ...     path = write_chest_pictures(f"{new}/cxr", cases=1, size=(40, 50))
    ...     sorted(str(file.relative_to(path)) for file in path.rglob("*.png"))
    ['images/cxr_000.png', 'masks/cxr_000.png']
    """
    chests = Chests(cases, seed, size, variety or ChestVariety())
    raw = [f"raw/{name}" for name in (RAW_IMAGES, RAW_LEFT, RAW_RIGHT)]
    files = chests.files(*raw, "dataset/images", "dataset/masks")
    recipe = {"recipe": RECIPE, "sides": sides, **asdict(chests)}
    return make_once(folder, recipe, files, partial(_write, chests=chests, sides=sides)) / "dataset"


@dataclass(frozen=True)
class Chests:
    """The X-rays of a data set; each depends on the seed and on its own number only.

    Attributes are as in `write_chest_pictures`.
    """

    cases: int
    seed: int
    size: tuple[int, int]
    variety: ChestVariety

    def __post_init__(self) -> None:
        require_numbers(cases=self.cases, seed=self.seed)

    def files(self, *folders: str) -> list[str]:
        """Return the path of each picture in each of the folders."""
        return [f"{folder}/{_name(number)}" for number in range(self.cases) for folder in folders]

    def make(self) -> Iterator[tuple[str, ChestXray]]:
        """Yield the name of each file and its X-ray; sizes differ between patients."""
        for number in range(self.cases):
            growth = 1 + np.random.default_rng((self.seed, number, 1)).uniform(0, 0.25, 2)
            size = int(self.size[0] * growth[0]), int(self.size[1] * growth[1])
            yield _name(number), make_chest_xray((self.seed, number), size, self.variety)


def _name(number: int) -> str:
    return f"cxr_{number:03d}.png"


def _write(folder: Path, chests: Chests, sides: bool) -> None:
    raw = folder / "raw"
    for (name, xray), mode in zip(chests.make(), itertools.cycle(_MODES), strict=False):
        save_picture(raw / RAW_IMAGES / name, xray.image, mode)
        save_picture(raw / RAW_LEFT / name, xray.left)
        save_picture(raw / RAW_RIGHT / name, xray.right)
    images, left, right = (raw / name for name in (RAW_IMAGES, RAW_LEFT, RAW_RIGHT))
    for merged in merge_masks(images, left, right, folder / "dataset", sides):
        assert merged.problem is None, merged


def save_picture(path: Path, values: NDArray[Any], mode: str = "L") -> None:
    """Save values from 0 to 1, (columns, rows), as a PNG of 8 or 16 bits, grey or in colours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode == "I;16":
        Image.fromarray((65535 * values.T).astype(np.uint16)).save(path)
    else:
        Image.fromarray((255 * values.T).astype(np.uint8)).convert(mode).save(path)
