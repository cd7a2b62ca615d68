"""One synthetic OCT volume with its layers, and a folder of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from lamina.errors import ConfigError
from lamina.files import write_json
from lamina.phantoms.anatomy import EIGHT_LAYERS, LayerGroups, group_edges
from lamina.phantoms.fields import Grid
from lamina.phantoms.fluid import HOSTS, Host, Pocket, Span, draw_pockets, fluid_spans
from lamina.phantoms.folder import make_once, require_numbers
from lamina.phantoms.oct_scan import CIRRUS, OctScan
from lamina.phantoms.optics import coverage, draw_image, reflect
from lamina.phantoms.surfaces import add_pockets, draw_surfaces, draw_thicknesses

Triple = tuple[float, float, float]

SHAPE = (128, 256, 14)
SPACING = (24.0, 3.9, 120.0)


class OctVolume(NamedTuple):
    """A volume and its reference.

    ``image`` and ``label`` are uint8 of shape (1, x, y, z); y runs from the vitreous to the sclera.
    ``boundaries`` is float32 of shape (groups + 1, x, z): the top of each group of layers, then the
    bottom of the last, in voxels along y (0 is the centre of the first voxel; times the spacing it
    is µm). A voxel has label k where its centre lies at or below boundary k - 1 and above boundary
    k. Positions may lie beyond the volume. Fluid counts as part of the layer it lies in.
    ``affine`` takes voxels to RAS+ mm.
    """

    image: NDArray[np.uint8]
    label: NDArray[np.uint8]
    boundaries: NDArray[np.float32]
    affine: NDArray[np.float64]


def make_oct_volume(
    seed: int | Sequence[int],
    *,
    shape: tuple[int, int, int] = SHAPE,
    spacing: Triple = SPACING,
    layers: LayerGroups = EIGHT_LAYERS,
    fluid: float = 0.0,
    hosts: Sequence[Host] = HOSTS,
    scan: OctScan = CIRRUS,
) -> OctVolume:
    """Return a macular OCT volume; the same arguments give the same volume.

    Parameters
    ----------
    shape
        Voxels along x (within a B-scan, towards the patient's left), y (depth) and z (B-scans,
        upwards).
    spacing
        Size of a voxel along these axes in µm.
    layers
        Name of each label and its anatomical layers (names in
        :data:`lamina.phantoms.anatomy.LAYERS`), from top to bottom; the first is label 1.
    fluid
        Mean number of fluid pockets; if it is not 0, fluid is the label after the last layer.
    hosts
        Kinds of pockets; kinds of fluid above 1 get further labels.
    scan
        How eyes and scans vary.

    Raises
    ------
    ConfigError
        If a number is out of range, the volume is too shallow for a retina, or the layers are not
        one unbroken run.

    Examples
    --------
    >>> volume = make_oct_volume(3, shape=(20, 200, 4), spacing=(100.0, 5.0, 200.0))
    >>> volume.image.shape, volume.boundaries.shape, int(volume.label.max())
    ((1, 20, 200, 4), (9, 20, 4), 8)
    """
    edges = group_edges(layers)
    _check(shape, spacing, fluid)
    rng = np.random.default_rng(seed)
    grid = _scan_grid(shape, spacing)
    pockets = draw_pockets(rng, grid, fluid, hosts)
    surfaces, spans = _draw_anatomy(rng, grid, pockets, shape[1], spacing[1], scan)
    power, texture = reflect(surfaces, shape[1])
    for span in spans:
        power *= 1 - coverage(span.top, span.bottom, shape[1])
    below = (np.arange(shape[1])[:, None] - surfaces[0][:, None]) * np.float32(spacing[1] / 1000)
    image = draw_image(rng, grid, (power, texture), below, spacing, scan)
    label = _label(surfaces[edges], spans, shape[1])
    return OctVolume(image[None], label[None], surfaces[edges], oct_affine(shape, spacing))


def make_b_scan(
    seed: Sequence[int],
    *,
    size: tuple[int, int],
    spacing: tuple[float, float],
    layers: LayerGroups,
    scan: OctScan,
) -> OctVolume:
    """Return a volume of one B-scan of ``size`` (columns, rows); otherwise as `make_oct_volume`."""
    shape, steps = (*size, 1), (*spacing, SPACING[2])
    return make_oct_volume(seed, shape=shape, spacing=steps, layers=layers, scan=scan)


def oct_affine(shape: tuple[int, int, int], spacing: Triple) -> NDArray[np.float64]:
    """Return the affine of a volume centred on the origin: x to the left, y back, z up; RAS+ in mm.

    >>> oct_affine((3, 5, 7), (1000.0, 2000.0, 3000.0))
    array([[-1., 0., 0., 1.],
           [ 0., -2., 0., 4.],
           [ 0., 0., 3., -9.],
           [ 0., 0., 0., 1.]])
    """
    affine = np.diag([-spacing[0] / 1000, -spacing[1] / 1000, spacing[2] / 1000, 1.0])
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


def _check(shape: Sequence[int], spacing: Sequence[float], fluid: float) -> None:
    if len(shape) != 3 or min(shape) < 1:
        raise ConfigError(f"shape: {list(shape)}, expected three sizes of at least 1 (x, y, z)")
    if len(spacing) != 3 or not all(0 < size < np.inf for size in spacing):
        raise ConfigError(f"spacing: {list(spacing)}, expected three positive sizes in µm")
    if fluid < 0:
        raise ConfigError(f"fluid: {fluid}, expected a mean number of pockets, 0 or more")


def _scan_grid(shape: tuple[int, int, int], spacing: Triple) -> Grid:
    """Return x and z in mm from the centre of the scan, each of shape (x, z)."""
    x, z = ((np.arange(shape[i]) - (shape[i] - 1) / 2) * spacing[i] / 1000 for i in (0, 2))
    across, up = np.meshgrid(x, z, indexing="ij")
    return across, up


def _draw_anatomy(
    rng: np.random.Generator,
    grid: Grid,
    pockets: Sequence[Pocket],
    rows: int,
    step: float,
    scan: OctScan,
) -> tuple[NDArray[np.float32], list[Span]]:
    """Return the boundaries of all layers and the fluid between, in voxels along y."""
    thicknesses = add_pockets(draw_thicknesses(rng, grid, scan), pockets)
    surfaces = draw_surfaces(rng, grid, thicknesses, rows * step, scan)
    spans = [
        Span(_to_voxels(span.top, step), _to_voxels(span.bottom, step), span.kind)
        for span in fluid_spans(surfaces, pockets)
    ]
    return _to_voxels(surfaces, step), spans


def _to_voxels(depth: NDArray[np.float64], step: float) -> NDArray[np.float32]:
    """Turn µm below the volume's upper face into voxels; the first one's centre is at 0."""
    return (depth / step - 0.5).astype(np.float32)


def _label(boundaries: NDArray[np.float32], spans: Sequence[Span], rows: int) -> NDArray[np.uint8]:
    row = np.arange(rows, dtype=np.float32)[:, None]
    passed = sum((row >= boundary[:, None]).astype(np.uint8) for boundary in boundaries)
    label = np.where(passed < len(boundaries), passed, 0).astype(np.uint8)
    for span in spans:
        label[(row >= span.top[:, None]) & (row < span.bottom[:, None])] = (
            len(boundaries) + span.kind - 1
        )
    return label


RECIPE = 1


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
    parameters, ``phantoms.json``. It is made by `make_once`. A case depends on the seed and its own
    number only. Parameters are those of :func:`make_oct_volume`; the folder's path is returned.

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
    files = ["dataset.json", *(file for name in names for file in _case_files(name))]
    return make_once(folder, recipe, files, partial(_write, make=make, recipe=recipe))


def _write(folder: Path, make: Callable[..., OctVolume], recipe: Mapping[str, Any]) -> None:
    for file in _case_files(""):
        (folder / file).parent.mkdir(parents=True)
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
    image, label, boundaries = (folder / file for file in _case_files(name))
    for path, voxels in ((image, volume.image), (label, volume.label)):
        nifti = nib.Nifti1Image(voxels[0], volume.affine)
        nifti.header.set_xyzt_units("mm")
        nib.save(nifti, path)
    np.save(boundaries, volume.boundaries)
