"""A data set of made-up cone-beam CTs of cochlear implants, from the scanner's files on."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal

import nibabel as nib
import numpy as np
from PIL import Image

from lamina.cases.slice_pictures import WINDOW, windowed
from lamina.errors import ConfigError
from lamina.files import write_table
from lamina.phantoms.cbct import HeadVolume, make_head_volume
from lamina.phantoms.dicom_series import PLANES, Study, in_plane, series_slices
from lamina.phantoms.folder import make_once, require_numbers

RECIPE = 1
"""Raise it whenever the same parameters give other images than before."""

CLEAR = 0.5
"""A slice shows the array clearly that holds such a share of the largest section through it."""


def write_cochlea_patients(
    folder: str | Path,
    *,
    patients: int = 12,
    seed: int = 0,
    shape: tuple[int, int, int] = (112, 128, 96),
    spacing: float = 0.4,
    part: Literal["slices", "volumes"] = "slices",
) -> Path:
    """Write patients as a scanner does, and what annotators make of them; return one data set of it.

    ``raw/P01/`` holds the DICOM files of a patient, three planes in one folder. ``slices/`` are
    coronal slices in which the array is clear, as pictures with masks (0 and 255);
    ``volumes/`` is a list of the coronal series with label volumes. The folder is complete or
    absent; a second call does nothing. A patient depends on seed and number only.

    Parameters
    ----------
    folder
        Where it goes.
    patients
        How many.
    shape, spacing
        As `make_head_volume` takes them.
    part
        Which data set's path is returned.

    Raises
    ------
    ConfigError
        If there is not even one patient, or no such part.
    DataError
        If the folder holds anything else than this very data set.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as new:
    ...     small = {"shape": (52, 56, 60), "spacing": 0.6}
    ...     made = write_cochlea_patients(f"{new}/ci", patients=1, part="volumes", **small)
    ...     sorted(path.name for path in made.iterdir()), len(list(made.glob("../raw/P01/*")))
    (['cases.csv', 'labels'], 168)
    """
    require_numbers(patients=patients, seed=seed)
    if part not in ("slices", "volumes"):
        raise ConfigError(f"part {part!r}: expected slices or volumes")
    recipe: dict[str, object] = {"recipe": RECIPE, "patients": patients, "seed": seed}
    recipe |= {"shape": list(shape), "spacing": spacing}
    make = partial(make_head_volume, shape=shape, spacing=spacing)
    names = [f"P{number:02d}" for number in range(1, patients + 1)]
    files = ["slices/patients.csv", "volumes/cases.csv"]
    files += [f"volumes/labels/{name}.nii.gz" for name in names]
    files += [f"raw/{name}/IM{number:04d}" for name in names for number in range(sum(shape))]
    write = partial(_write, names=names, seed=seed, make=make)
    return make_once(folder, recipe, files, write) / part


def _write(folder: Path, names: list[str], seed: int, make: Callable[..., HeadVolume]) -> None:
    for place in ("slices/images", "slices/masks", "volumes/labels", "raw"):
        (folder / place).mkdir(parents=True)
    slices, volumes = [], []
    for number, name in enumerate(names):
        head, study = make((seed, number)), Study(f"cochlea/{seed}", name)
        _write_raw(folder / "raw" / name, head, study)
        slices += [{"case": case, "patient": name} for case in _write_slices(folder, head, name)]
        label = in_plane(head.label[0], head.affine, "coronal")
        nib.save(label, folder / "volumes" / "labels" / f"{name}.nii.gz")
        address = f"../raw/{name}#{study.uid('coronal')}"
        volumes.append({"image": address, "label": f"labels/{name}.nii.gz", "patient": name})
    write_table(folder / "slices/patients.csv", ("case", "patient"), slices)
    write_table(folder / "volumes/cases.csv", ("image", "label", "patient"), volumes)


def _write_raw(folder: Path, head: HeadVolume, study: Study) -> None:
    """Write the three planes of a patient into one folder, as a scanner's export has them."""
    folder.mkdir()
    files = (
        one
        for plane in PLANES
        for one in series_slices(in_plane(head.image[0], head.affine, plane), study, plane)
    )
    for number, one in enumerate(files):
        one.save_as(folder / f"IM{number:04d}", enforce_file_format=True)


def _write_slices(folder: Path, head: HeadVolume, patient: str) -> Iterator[str]:
    """Write the slices in which the array is clear; yield their names."""
    image = np.asarray(in_plane(head.image[0], head.affine, "coronal").dataobj)
    label = np.asarray(in_plane(head.label[0], head.affine, "coronal").dataobj)
    area = label.sum(axis=(0, 1))
    for number in np.flatnonzero(area >= CLEAR * area.max()):
        name = f"{patient}_coronal_{number:03d}"
        picture = windowed(image[:, :, number].astype(np.float32), WINDOW)
        Image.fromarray(picture.T).save(folder / "slices/images" / f"{name}.png")
        mask = (255 * label[:, :, number]).astype(np.uint8)
        Image.fromarray(mask.T).save(folder / "slices/masks" / f"{name}.png")
        yield name
