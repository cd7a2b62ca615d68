"""The volumes of the RETOUCH challenge: their files, and the region of their retina."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from skimage.filters.rank import entropy
from skimage.morphology import disk

from lamina.cases.splits import patient_number
from lamina.errors import DataError
from lamina.readers.grid import Grid, format_size
from lamina.readers.images import read_image, read_label

VENDORS = ("Cirrus", "Spectralis", "Topcon")
FLUIDS = ("IRF", "SRF", "PED")
"""Intraretinal fluid, subretinal fluid and detachment of the pigment epithelium: 1, 2 and 3."""


@dataclass(frozen=True)
class RetouchCase:
    """One volume: its vendor, its folder's name, and its files; ``fluid`` is the reference segmentation."""

    vendor: str
    folder: str
    image: Path
    fluid: Path | None

    @property
    def name(self) -> str:
        """Unique among all vendors."""
        return f"{self.vendor}_{self.folder}"


def find_retouch(source: Path) -> list[RetouchCase]:
    """Return the cases below a folder, VENDOR/CASE/oct.mhd with reference.mhd beside it.

    A vendor's name may be a part of a folder's, as in RETOUCH-TrainingSet-Cirrus.

    Raises DataError if there is none, one is of no known vendor, or two have the same name.
    """
    cases = [_case(path, source) for path in sorted(source.rglob("oct.mhd"))]
    if not cases:
        raise DataError(f"{source}: no oct.mhd", "expected SRC/VENDOR/CASE/oct.mhd")
    names = [case.name for case in cases]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{source}: {', '.join(twice)} is there twice", "rename one of the folders")
    return cases


def _case(path: Path, source: Path) -> RetouchCase:
    folders = path.relative_to(source.parent).parts[:-2]
    vendors = [vendor for vendor in VENDORS for name in folders if vendor.lower() in name.lower()]
    if len(set(vendors)) != 1:
        raise DataError(
            f"{path}: the folders above say {vendors or 'no vendor'}, expected one of "
            f"{', '.join(VENDORS)}",
            "expected SRC/VENDOR/CASE/oct.mhd",
        )
    fluid = path.with_name("reference.mhd")
    return RetouchCase(vendors[0], path.parent.name, path, fluid if fluid.is_file() else None)


def read_bytes(case: RetouchCase) -> tuple[NDArray[np.uint8], Grid]:
    """Return a volume (x, y, z) in 256 greys; 16-bit values lose their lower byte."""
    values, grid = read_image(str(case.image))
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 65535:
        raise DataError(f"{case.image}: values from {low:g} to {high:g}, expected 8 or 16 bits")
    return (values / 257 if high > 255 else values).round().astype(np.uint8), grid


def read_fluid(case: RetouchCase, grid: Grid) -> NDArray[np.uint8] | None:
    """Return the reference segmentation of a case (0 to 3) on the volume's grid, None without one.

    Raises DataError if it has another size, or holds other values.
    """
    if case.fluid is None:
        return None
    label, label_grid = read_label(case.fluid)
    if label_grid.shape != grid.shape:
        raise DataError(
            f"{case.fluid}: {format_size(label_grid.shape)} voxels, {case.image.name} has "
            f"{format_size(grid.shape)}"
        )
    if label.min() < 0 or label.max() > len(FLUIDS):
        raise DataError(f"{case.fluid}: values up to {label.max()}, expected 0 to {len(FLUIDS)}")
    return label.astype(np.uint8)


def choose_test_cases(cases: Sequence[RetouchCase], fraction: float, seed: int) -> set[str]:
    """Return the names of the test cases: a fraction of each vendor's, by a hash of the name.

    >>> cases = [RetouchCase("Topcon", str(n), Path("a"), Path("b")) for n in range(8)]
    >>> len(choose_test_cases(cases, 0.25, 0))
    2
    """
    chosen: set[str] = set()
    for vendor in VENDORS:
        names = [case.name for case in cases if case.vendor == vendor and case.fluid is not None]
        names.sort(key=lambda name: patient_number(name, "test", seed))
        chosen.update(names[: round(fraction * len(names))])
    return chosen


ENTROPY_RADIUS = 15
ENTROPY_FRACTION = 1e-2
CLOSING_RADIUS = 55
_LEVELS = 32


def region_of_interest(
    image: NDArray[np.uint8], fluid: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_]:
    """Return the region of interest of a B-scan (columns, rows), after Tennakoon et al. (2018).

    Local entropy within a disk, above a hundredth of its largest value, joined with the fluid,
    closed with a disk, and each column filled from its first to its last pixel.

    Entropy is taken of 32 grey levels, which is four times as fast as of 256 and leaves noise of a
    few greys out.

    Parameters
    ----------
    image
        A smoothed B-scan.
    fluid
        Mask of the fluid, which is added to the region.

    References
    ----------
    Tennakoon, Gostar, Hoseinnezhad, Bab-Hadiashar, "Retinal fluid segmentation in OCT images using
    adversarial loss based convolutional neural networks", ISBI 2018.

    Examples
    --------
    >>> scan = np.zeros((40, 200), dtype=np.uint8)
    >>> scan[:, 90:110] = np.random.default_rng(0).integers(0, 255, (40, 20))
    >>> inside = region_of_interest(scan)
    >>> bool(inside[:, 95:105].all()), bool(inside[:, :60].any())
    (True, False)
    """
    local = entropy((image // (256 // _LEVELS)).astype(np.uint16), disk(ENTROPY_RADIUS))
    region = local > ENTROPY_FRACTION * local.max()
    if fluid is not None:
        region |= fluid
    return fill_columns(closed(region, CLOSING_RADIUS))


def closed(region: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """Return a region closed with a disk, as if the image went on beyond its edges.

    It is computed from distances, so that a large disk costs no more than a small one.
    (scikit-image's ``isotropic_closing`` leaves a hole in a corner where the disk reaches
    everything.)

    >>> closed(np.array([[1, 0, 0, 1, 0, 0, 0, 0]], dtype=bool), 1.5).astype(int).tolist()
    [[1, 1, 1, 1, 0, 0, 0, 0]]
    """
    if not region.any():
        return region
    far = distance_transform_edt(~region) > radius
    if not far.any():
        return np.ones_like(region)
    near: NDArray[np.bool_] = distance_transform_edt(~far) > radius
    return near


def fill_columns(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a region (columns, rows) with each column filled from its first to its last pixel.

    >>> fill_columns(np.array([[0, 1, 0, 0, 1, 0]], dtype=bool)).astype(int).tolist()
    [[0, 1, 1, 1, 1, 0]]
    """
    from_top = np.maximum.accumulate(region, axis=1)
    from_bottom = np.maximum.accumulate(region[:, ::-1], axis=1)[:, ::-1]
    filled: NDArray[np.bool_] = from_top & from_bottom
    return filled
