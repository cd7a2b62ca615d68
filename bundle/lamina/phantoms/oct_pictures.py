"""A data set of made-up B-scans as pictures, with masks of grey codes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamina.errors import ConfigError
from lamina.phantoms.anatomy import LayerGroups
from lamina.phantoms.folder import make_once
from lamina.phantoms.oct import make_oct_volume
from lamina.phantoms.oct_scan import CIRRUS, OctScan

RECIPE = 1
"""Raise it whenever the same parameters give other pictures than before."""

THIRTEEN_LAYERS: LayerGroups = {
    "RNFL": ("RNFL",),
    "GCL": ("GCL",),
    "IPL": ("IPL",),
    "INL": ("INL",),
    "OPL": ("OPL",),
    "ONL": ("ONL",),
    "ELM": ("ELM",),
    "PR": ("myoid", "EZ", "OS", "IZ"),
    "RPE": ("RPE",),
    "BM": ("BM",),
    "CC": ("choriocapillaris",),
    "CS": ("choroid",),
}
"""Twelve layers below the inner limiting membrane, which ``membrane`` adds on top."""


def write_oct_pictures(
    folder: str | Path,
    *,
    train: int = 40,
    test: int = 8,
    seed: int = 0,
    size: tuple[int, int] = (256, 512),
    spacing: tuple[float, float] = (24.0, 2.4),
    layers: LayerGroups = THIRTEEN_LAYERS,
    membrane: float = 12.0,
    codes: Sequence[int] | None = None,
    scan: OctScan = CIRRUS,
) -> Path:
    """Write B-scans as PNG into ``train/`` and ``test/``, each with ``images/`` and ``masks/``.

    Every picture is of another eye. The folder is complete or absent; a second call does nothing.

    Parameters
    ----------
    folder
        Where they go; its path is returned.
    train, test
        Numbers of pictures.
    seed
        A picture depends on it and on its own number only.
    size
        Columns and rows.
    spacing
        Size of a pixel along them in µm.
    layers
        As `lamina.phantoms.make_oct_volume` takes it.
    membrane
        Thickness in µm of the line at the retina's surface that becomes the first class, as
        annotators draw the inner limiting membrane; 0 leaves it out.
    codes
        Grey value in the masks of each class, background first; the class values themselves
        without it.
    scan
        How eyes and scans vary.

    Raises
    ------
    ConfigError
        If there is nothing to make, or the codes are not as many as the classes.
    DataError
        If the folder holds anything else than this very data set.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as new:
    ...     made = write_oct_pictures(f"{new}/oct", train=1, test=1, size=(16, 400))
    ...     sorted(path.name for path in made.glob("train/*/*"))
    ['oct_000.png', 'oct_000.png']
    """
    grey = _grey_values(codes, len(layers) + (membrane > 0) + 1)
    if train < 1 or test < 0 or seed < 0:
        raise ConfigError(f"train {train}, test {test}, seed {seed}: expected 1, 0, 0 or more")
    make = partial(
        _make_picture,
        seed=seed,
        size=size,
        spacing=spacing,
        layers=layers,
        membrane=membrane,
        scan=scan,
    )
    told = {**make.keywords, "scan": asdict(scan), "codes": grey.tolist()}
    recipe: dict[str, Any] = {"recipe": RECIPE, "train": train, "test": test, **told}
    names = _names(train, test)
    files = [f"{place}.png" for pair in names.values() for place in pair]
    return make_once(folder, recipe, files, partial(_write, names=names, make=make, grey=grey))


def _grey_values(codes: Sequence[int] | None, classes: int) -> NDArray[np.uint8]:
    values = list(range(classes)) if codes is None else list(codes)
    if len(set(values)) != classes or not all(0 <= value <= 255 for value in values):
        raise ConfigError(f"codes: {values}, expected {classes} different values from 0 to 255")
    return np.array(values, dtype=np.uint8)


def _names(train: int, test: int) -> dict[int, tuple[str, str]]:
    """Return where image and mask of each picture go, without suffix."""
    parts = ["train"] * train + ["test"] * test
    return {
        number: (f"{part}/images/oct_{number:03d}", f"{part}/masks/oct_{number:03d}")
        for number, part in enumerate(parts)
    }


def _write(
    folder: Path, names: Mapping[int, tuple[str, str]], make: Any, grey: NDArray[np.uint8]
) -> None:
    for number, places in names.items():
        image, label = make(number)
        for place, pixels in zip(places, (image, grey[label]), strict=True):
            path = folder / f"{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.T).save(path)


def _make_picture(
    number: int,
    *,
    seed: int,
    size: tuple[int, int],
    spacing: tuple[float, float],
    layers: LayerGroups,
    membrane: float,
    scan: OctScan,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return image and class values, each (columns, rows)."""
    shape, steps = (*size, 1), (*spacing, 120.0)
    volume = make_oct_volume((seed, number), shape=shape, spacing=steps, layers=layers, scan=scan)
    image, label = volume.image[0, :, :, 0], volume.label[0, :, :, 0]
    if membrane:
        surface = volume.boundaries[0, :, 0][:, None]
        row = np.arange(size[1])[None, :]
        line = (row >= surface) & (row < surface + membrane / spacing[1])
        label = np.where(line, 1, label + (label > 0)).astype(np.uint8)
    return image, label
