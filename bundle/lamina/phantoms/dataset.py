"""A data set of made-up OCT volumes on disk, in the Decathlon layout."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from lamina.files import write_json
from lamina.phantoms.anatomy import EIGHT_LAYERS, LayerGroups
from lamina.phantoms.folder import make_once, require_numbers
from lamina.phantoms.oct import SHAPE, SPACING, OctVolume, Triple, make_oct_volume
from lamina.phantoms.scan import CIRRUS, OctScan

RECIPE = 1
"""Raise it whenever the same parameters give other volumes than before."""


def write_oct_dataset(
    folder: str | Path,
    *,
    cases: int = 24,
    seed: int = 0,
    shape: tuple[int, int, int] = SHAPE,
    spacing: Triple = SPACING,
    layers: LayerGroups = EIGHT_LAYERS,
    fluid: float = 0.0,
    scan: OctScan = CIRRUS,
) -> Path:
    """Write a data set of OCT phantoms, unless that same data set is already there.

    The folder then holds the layout of the Medical Segmentation Decathlon (``imagesTr``,
    ``labelsTr``, ``dataset.json``), ``boundaries/NAME.npy`` (see :class:`OctVolume`) and the
    parameters, ``phantoms.json``. It is complete or absent. A case depends on the seed and its own
    number only. Parameters are those of :func:`make_oct_volume`; the folder's path is returned.

    Raises
    ------
    ConfigError
        If there is not even one case, or a volume can't be made as asked.
    DataError
        If the folder holds anything else than this very data set.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as new:
    ...     small = {"shape": (16, 200, 3), "spacing": (100.0, 5.0, 200.0)}
    ...     sorted(f.name for f in write_oct_dataset(f"{new}/oct", cases=1, **small).iterdir())
    ['boundaries', 'dataset.json', 'imagesTr', 'labelsTr', 'phantoms.json']
    """
    require_numbers(cases=cases, seed=seed)
    make = partial(
        make_oct_volume, shape=shape, spacing=spacing, layers=layers, fluid=fluid, scan=scan
    )
    recipe = {"recipe": RECIPE, **make.keywords, "cases": cases, "seed": seed, "scan": asdict(scan)}
    names = [case_name(number) for number in range(cases)]
    files = ["dataset.json", *(part for name in names for part in _case_files(name))]
    return make_once(folder, recipe, files, partial(_write, make=make, recipe=recipe))


def _write(folder: Path, make: Callable[..., OctVolume], recipe: Mapping[str, Any]) -> None:
    for part in _case_files(""):
        (folder / part).parent.mkdir(parents=True)
    write_json(folder / "dataset.json", _describe(recipe))
    for number in range(recipe["cases"]):
        _write_case(folder, case_name(number), make((recipe["seed"], number)))


def case_name(number: int) -> str:
    """Return the name of a case, without suffix.

    >>> case_name(7)
    'oct_007'
    """
    return f"oct_{number:03d}"


def _case_files(name: str) -> tuple[str, str, str]:
    return f"imagesTr/{name}.nii.gz", f"labelsTr/{name}.nii.gz", f"boundaries/{name}.npy"


def _describe(recipe: Mapping[str, Any]) -> dict[str, Any]:
    names = ["background", *recipe["layers"], *(["fluid"] if recipe["fluid"] else [])]
    listed = [_case_files(case_name(number))[:2] for number in range(recipe["cases"])]
    return {
        "name": "OCT phantoms",
        "description": "Made-up macular OCT volumes of Lamina; phantoms.json has the parameters",
        "tensorImageSize": "3D",
        "modality": {"0": "OCT"},
        "labels": {str(value): name for value, name in enumerate(names)},
        "numTraining": len(listed),
        "numTest": 0,
        "training": [{"image": f"./{image}", "label": f"./{label}"} for image, label in listed],
        "test": [],
    }


def _write_case(folder: Path, name: str, volume: OctVolume) -> None:
    image, label, boundaries = (folder / part for part in _case_files(name))
    for path, voxels in ((image, volume.image), (label, volume.label)):
        nifti = nib.Nifti1Image(voxels[0], volume.affine)
        nifti.header.set_xyzt_units("mm")
        nib.save(nifti, path)
    np.save(boundaries, volume.boundaries)
