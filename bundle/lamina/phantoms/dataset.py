"""A data set of made-up OCT volumes on disk, in the Decathlon layout."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nibabel as nib
import numpy as np

from lamina.errors import ConfigError, DataError
from lamina.phantoms.anatomy import EIGHT_LAYERS, LayerGroups
from lamina.phantoms.oct import SHAPE, SPACING, OctVolume, Triple, make_oct_volume
from lamina.phantoms.scan import CIRRUS, OctScan

RECIPE = 1
"""Raise it whenever the same parameters give other volumes than before."""

_RECIPE_FILE = "phantoms.json"


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
    if cases < 1 or seed < 0:
        raise ConfigError(f"cases {cases}, seed {seed}: expected at least 1 case and a seed from 0")
    make = partial(
        make_oct_volume, shape=shape, spacing=spacing, layers=layers, fluid=fluid, scan=scan
    )
    recipe = _recipe({**make.keywords, "cases": cases, "seed": seed, "scan": asdict(scan)})
    target = Path(folder).absolute()
    if not _is_there(target, recipe):
        _write(target, make, recipe)
    return target


def _write(target: Path, make: Callable[..., OctVolume], recipe: Mapping[str, Any]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as beside:
        new = Path(beside) / target.name
        _prepare(new, recipe)
        for number in range(recipe["cases"]):
            _write_case(new, case_name(number), make((recipe["seed"], number)))
        _put_in_place(new, target, recipe)


def case_name(number: int) -> str:
    """Return the name of a case, without suffix.

    >>> case_name(7)
    'oct_007'
    """
    return f"oct_{number:03d}"


def _recipe(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters as they read when they come back from JSON."""
    recipe: dict[str, Any] = json.loads(json.dumps({"recipe": RECIPE, **parameters}))
    return recipe


def _is_there(target: Path, recipe: Mapping[str, Any]) -> bool:
    """Tell whether the folder holds this data set; raise DataError if it holds something else."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return False
    path = target / _RECIPE_FILE
    if not path.is_file():
        raise DataError(
            f"{target}: expected a new or empty folder, found other files in it",
            "name another folder for the phantoms, or empty this one",
        )
    found = _read_recipe(path)
    differing = [key for key in recipe if found.get(key) != recipe[key]]
    if differing:
        told = "; ".join(f"{key} {found.get(key)}, not {recipe[key]}" for key in differing)
        raise DataError(
            f"{target}: holds phantoms made with other parameters: {told}",
            "remove that folder, or name another one",
        )
    _check_complete(target, recipe["cases"])
    return True


def _read_recipe(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error})", "remove that folder") from error
    return found if isinstance(found, dict) else {}


def _check_complete(target: Path, cases: int) -> None:
    wanted = [target / "dataset.json"]
    for name in map(case_name, range(cases)):
        wanted += [target / part for part in _case_files(name)]
    missing = [str(path.relative_to(target)) for path in wanted if not path.is_file()]
    if missing:
        raise DataError(
            f"{target}: {len(missing)} files of the phantoms are missing, {missing[0]} among them",
            "remove that folder, so that it is made again",
        )


def _case_files(name: str) -> tuple[str, str, str]:
    return f"imagesTr/{name}.nii.gz", f"labelsTr/{name}.nii.gz", f"boundaries/{name}.npy"


def _prepare(folder: Path, recipe: Mapping[str, Any]) -> None:
    for part in _case_files(""):
        (folder / part).parent.mkdir(parents=True)
    _write_json(folder / _RECIPE_FILE, recipe)
    _write_json(folder / "dataset.json", _describe(recipe))


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


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_case(folder: Path, name: str, volume: OctVolume) -> None:
    image, label, boundaries = (folder / part for part in _case_files(name))
    for path, voxels in ((image, volume.image), (label, volume.label)):
        nifti = nib.Nifti1Image(voxels[0], volume.affine)
        nifti.header.set_xyzt_units("mm")
        nib.save(nifti, path)
    np.save(boundaries, volume.boundaries)


def _put_in_place(new: Path, target: Path, recipe: Mapping[str, Any]) -> None:
    try:
        os.rename(new, target)
    except OSError:
        # Another process was faster; if it wrote the same, all is well.
        if not _is_there(target, recipe):
            raise
