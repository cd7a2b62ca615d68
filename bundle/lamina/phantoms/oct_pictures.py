"""A data set of synthetic B-scans as pictures, with masks of grey codes."""

from collections.abc import Sequence
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
from lamina.phantoms.oct import OctVolume, make_b_scan
from lamina.phantoms.oct_scan import CIRRUS, OctScan

RECIPE = 1

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

    Every picture is of another eye. The folder is made by `make_once`.

    Parameters
    ----------
    folder
        New folder; its path is returned.
    train, test
        Numbers of pictures.
    seed
        A picture depends on it and on its number only.
    size
        Columns and rows.
    spacing
        Size of a pixel along them in µm.
    layers
        As in `lamina.phantoms.make_oct_volume`.
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

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as new:
    ...     folder = write_oct_pictures(f"{new}/oct", train=1, test=1, size=(16, 400))
    ...     sorted(path.name for path in folder.glob("train/*/*"))
    ['oct_000.png', 'oct_000.png']
    """
    grey = _grey_values(codes, len(layers) + (membrane > 0) + 1)
    if train < 1 or test < 0 or seed < 0:
        raise ConfigError(f"train {train}, test {test}, seed {seed}: expected 1, 0, 0 or more")
    make = partial(make_b_scan, size=size, spacing=spacing, layers=layers, scan=scan)
    recipe: dict[str, Any] = {"recipe": RECIPE, "train": train, "test": test, "seed": seed}
    recipe |= {"size": size, "spacing": spacing, "layers": layers, "membrane": membrane}
    recipe |= {"scan": asdict(scan), "codes": grey.tolist()}
    names = _names(train, test)
    files = [f"{path}.png" for pair in names.values() for path in pair]

    def write(target: Path) -> None:
        for number, paths in names.items():
            image, label = _with_membrane(make((seed, number)), membrane / spacing[1])
            for path, pixels in zip(paths, (image, grey[label]), strict=True):
                file = target / f"{path}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels.T).save(file)

    return make_once(folder, recipe, files, write)


def _grey_values(codes: Sequence[int] | None, classes: int) -> NDArray[np.uint8]:
    values = list(range(classes)) if codes is None else list(codes)
    if len(set(values)) != classes or not all(0 <= value <= 255 for value in values):
        raise ConfigError(f"codes: {values}, expected {classes} different values from 0 to 255")
    return np.array(values, dtype=np.uint8)


def _names(train: int, test: int) -> dict[int, tuple[str, str]]:
    """Return the paths of image and mask of each picture, without suffix."""
    splits = ["train"] * train + ["test"] * test
    return {
        number: (f"{split}/images/oct_{number:03d}", f"{split}/masks/oct_{number:03d}")
        for number, split in enumerate(splits)
    }


def _with_membrane(
    volume: OctVolume, thickness: float
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return image and class values, each (columns, rows); ``thickness`` is in voxels."""
    image, label = volume.image[0, :, :, 0], volume.label[0, :, :, 0]
    if thickness:
        surface = volume.boundaries[0, :, 0][:, None]
        row = np.arange(label.shape[1])[None, :]
        line = (row >= surface) & (row < surface + thickness)
        label = np.where(line, 1, label + (label > 0)).astype(np.uint8)
    return image, label
