"""OCT volumes of the RETOUCH challenge, of three vendors, as a data set."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from lamina.errors import DataError
from lamina.files import read_json, write_json, write_table, written_whole
from lamina.prepare.retouch_cases import (
    FLUIDS,
    RetouchCase,
    choose_test_cases,
    find_retouch,
    read_bytes,
    read_fluid,
    region_of_interest,
)
from lamina.readers.grid import Grid

REFERENCE_VENDOR = "Spectralis"
TEST_FRACTION = 0.25
SLICE_COLUMNS = ("image", "vendor", "root", "slice", *(f"is_{fluid}" for fluid in FLUIDS))


@dataclass(frozen=True)
class PreparedCase:
    """A prepared case: its voxels along x, y and z, and the seconds that it took."""

    case: RetouchCase
    shape: tuple[int, ...]
    seconds: float


def prepare_retouch(
    source: Path, target: Path, *, reference: Path | None = None, seed: int = 0
) -> Iterator[PreparedCase]:
    """Prepare every volume below ``source``; yield each when it is done, and write the tables last.

    Into ``target`` go ``images/``, ``labels/`` and ``regions/`` (NIfTI, on the volume's own grid),
    ``cases.csv`` (the data set, divided by case), ``slice_gt.csv`` (the fluids in each slice),
    the same divided, ``slice_gt_train.csv`` and ``slice_gt_test.csv``, and ``reference.json``.

    Parameters
    ----------
    source
        Holds VENDOR/CASE/oct.mhd and, where there is a reference segmentation, reference.mhd.
    target
        The data set.
    reference
        A ``reference.json`` of another data set, for new volumes of a network that was trained on
        that one. Without it the first Spectralis volume is the reference.
    seed
        Of the division.

    Raises
    ------
    DataError
        If volumes or the reference are missing or not as expected.
    """
    cases = find_retouch(source)
    counts = _reference(cases, reference, target)
    test = choose_test_cases(cases, TEST_FRACTION, seed)
    slices: list[dict[str, Any]] = []
    for case in cases:
        started = time.perf_counter()
        values, grid = read_bytes(case)
        fluid = read_fluid(case, grid)
        values = smooth(
            values if case.vendor == REFERENCE_VENDOR else match_histogram(values, counts)
        )
        _write_volume(target / "images", case, values, grid)
        if fluid is not None:
            _write_volume(target / "labels", case, fluid, grid)
            _write_volume(target / "regions", case, regions(values, fluid), grid)
            slices += _slice_rows(case, fluid)
        yield PreparedCase(case, grid.shape, time.perf_counter() - started)
    _write_tables(target, cases, slices, test)


def smooth(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the median over three neighbouring slices, then over 3 × 3 within each slice.

    >>> volume = np.zeros((5, 6, 3), dtype=np.uint8)
    >>> volume[2, 3, 1] = 200
    >>> bool(smooth(volume).any())
    False
    """
    along = median_filter(values, (1, 1, 3), mode="nearest")
    return _by_slice(lambda z: median_filter(along[:, :, z], 3, mode="nearest"), values.shape[2])


def regions(values: NDArray[np.uint8], fluid: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the region of interest of each slice, 0 and 1, (x, y, z)."""
    return _by_slice(
        lambda z: region_of_interest(values[:, :, z], fluid[:, :, z] > 0).astype(np.uint8),
        values.shape[2],
    )


def _by_slice(filtered: Callable[[int], NDArray[np.uint8]], count: int) -> NDArray[np.uint8]:
    """Stack the filtered slices; filters release the interpreter lock, so that threads help."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        return np.stack(list(threads.map(filtered, range(count))), axis=-1)


def _reference(cases: list[RetouchCase], given: Path | None, target: Path) -> NDArray[np.int64]:
    """Return the reference's histogram, and write it to ``target``."""
    if given is not None:
        content = read_json(given)
    else:
        first = next((case for case in cases if case.vendor == REFERENCE_VENDOR), None)
        if first is None:
            raise DataError(
                f"no {REFERENCE_VENDOR} volume to match the others to",
                "give --reference FILE: the reference.json of the data set that was trained on",
            )
        values, _ = read_bytes(first)
        content = {"case": first.name, "histogram": histogram(values).tolist()}
    counts = content.get("histogram") if isinstance(content, dict) else None
    if not isinstance(counts, list) or len(counts) != 256 or sum(counts) <= 0:
        raise DataError(f"{given}: expected 256 counts under 'histogram'", "give a reference.json")
    write_json(target / "reference.json", content)
    return np.array(counts, dtype=np.int64)


def _write_volume(folder: Path, case: RetouchCase, values: NDArray[np.uint8], grid: Grid) -> None:
    image = nib.Nifti1Image(values, grid.affine)
    image.header.set_xyzt_units("mm")
    with written_whole(folder / f"{case.name}.nii.gz") as part:
        nib.save(image, part)


def _slice_rows(case: RetouchCase, fluid: NDArray[np.uint8]) -> list[dict[str, Any]]:
    present = [(fluid == value).any(axis=(0, 1)) for value in range(1, len(FLUIDS) + 1)]
    return [
        {
            "image": f"images/{case.name}.nii.gz",
            "vendor": case.vendor,
            "root": str(case.image.parent),
            "slice": number,
        }
        | {f"is_{name}": int(has[number]) for name, has in zip(FLUIDS, present, strict=True)}
        for number in range(fluid.shape[2])
    ]


def _write_tables(
    target: Path, cases: list[RetouchCase], slices: list[dict[str, Any]], test: set[str]
) -> None:
    listed = [
        {
            "image": f"images/{case.name}.nii.gz",
            "label": f"labels/{case.name}.nii.gz" if case.fluid else "",
            "patient": case.name,
            "split": ("test" if case.name in test else "train") if case.fluid else "",
        }
        for case in cases
    ]
    for_test = {f"images/{name}.nii.gz" for name in test}
    tables = {
        "slice_gt": slices,
        "slice_gt_train": [row for row in slices if row["image"] not in for_test],
        "slice_gt_test": [row for row in slices if row["image"] in for_test],
    }
    for name, rows in tables.items():
        write_table(target / f"{name}.csv", SLICE_COLUMNS, rows)
    write_table(target / "cases.csv", ("image", "label", "patient", "split"), listed)


def histogram(values: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the counts of the 256 greys.

    >>> histogram(np.array([0, 3, 3], dtype=np.uint8))[:5].tolist()
    [1, 0, 0, 2, 0]
    """
    return np.bincount(values.reshape(-1), minlength=256)


def match_histogram(values: NDArray[np.uint8], reference: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return values whose cumulative histogram follows that of a reference.

    A grey becomes the one below which the same fraction of the reference lies (interpolated as in
    ``skimage.exposure.match_histograms``, which needs the reference itself).

    Parameters
    ----------
    values
        Any shape.
    reference
        256 counts.

    Examples
    --------
    >>> values = np.array([0, 1, 1, 2], dtype=np.uint8)
    >>> match_histogram(values, histogram(10 * values)).tolist()
    [0, 10, 10, 20]
    """
    own = np.cumsum(histogram(values)) / values.size
    other = np.cumsum(reference) / reference.sum()
    used = np.flatnonzero(reference)
    table = np.interp(own, other[used], used)
    return table.round().astype(np.uint8)[values]
