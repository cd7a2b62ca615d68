"""One way to read any image or mask, whatever its format."""

import logging
import math
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np
import psutil
from numpy.typing import NDArray

from lamina.errors import LaminaError, ReadError, reading
from lamina.readers.dicom import read_dicom
from lamina.readers.dicom_rules import SeriesRules
from lamina.readers.dicom_seg import read_dicom_seg
from lamina.readers.grid import Grid, format_size
from lamina.readers.itk.times import count_itk, read_itk_time, read_itk_time_grid
from lamina.readers.label_values import above, code_table, map_codes, read_threshold, whole_numbers
from lamina.readers.memory_order import in_order
from lamina.readers.nifti import count_nifti, read_nifti, read_nifti_grid
from lamina.readers.parts import part_addresses, require_part
from lamina.readers.pictures import (
    MAX_PIXELS,
    read_codes,
    read_picture,
    read_picture_grid,
    require_pixels,
)
from lamina.readers.source import Source
from lamina.readers.tiff_stacks import SUFFIXES as TIFF_SUFFIXES
from lamina.readers.tiff_stacks import TiffStack, find_stack, picture_pages, read_stack

logger = logging.getLogger("lamina")

P = ParamSpec("P")
A = TypeVar("A")
T = TypeVar("T")


def _guarded(read: Callable[Concatenate[A, P], T]) -> Callable[Concatenate[A, P], T]:
    """Let whatever is raised over a file be an error that names it."""

    @wraps(read)
    def guarded(address: A, *args: P.args, **kwargs: P.kwargs) -> T:
        with reading(address):
            return read(address, *args, **kwargs)

    return guarded


@_guarded
def read_image(
    address: str,
    *,
    channels: int = 1,
    max_pixels: int = MAX_PIXELS,
    rules: SeriesRules | None = None,
) -> tuple[NDArray[np.float32], Grid]:
    """Return an image's values and its grid.

    Parameters
    ----------
    address
        A `lamina.readers.Source`, or the text of one.
    channels
        1 for grey values (x, y[, z]), or 3 for the colours (x, y, 3) of a picture.
    max_pixels
        Largest picture that is decoded.
    rules
        What is done with a DICOM series that is not regular; a source has its own.

    Raises
    ------
    ReadError
        If it is missing, truncated, empty, not finite, or of another kind than expected.
    GeometryError
        If the position of its voxels in space is unclear.
    """
    source = Source.of(address, rules)
    source.require()
    stack = _stack(source)
    if stack or source.kind in ("nifti", "itk"):
        _require_room(read_grid(source, max_pixels=max_pixels), source)
    if source.kind == "picture" and stack is None:
        values, grid = read_picture(source.path, channels, max_pixels, source.number("page"))
    elif channels != 1:
        raise ReadError(f"{address}: 1 channel, expected {channels}")
    elif stack is not None:
        values, grid = read_stack(stack, source.number("t"), as_stored=False), stack.grid
    elif source.kind == "nifti":
        values, grid = read_nifti(source.path, source.number("t"))
    elif source.kind == "itk":
        values, grid = read_itk_time(source.path, source.number("t"))
    else:
        values, grid = read_dicom(source)
    if grid.unit == "px" and len(grid.shape) == 3:
        logger.warning(
            "%s: it does not say how large its voxels are: sizes are in voxels, and whatever "
            "resamples it takes them for 1 mm",
            source,
        )
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as such
        return _finite(in_order(values, "C", np.float32), grid, source), grid


@_guarded
def read_grid(address: str, *, max_pixels: int = MAX_PIXELS) -> Grid:
    """Return an image's grid from its header alone; raises as `read_image` does."""
    source = Source.of(address)
    source.require()
    stack = _stack(source)
    if stack is not None:
        require_part(stack.path, "t", len(stack.pages), source.number("t"))
        grid = stack.grid
        require_pixels(stack.path, stack.size, max_pixels)
    elif source.kind == "picture":
        grid = read_picture_grid(source.path, max_pixels, source.number("page"))
    elif source.kind == "nifti":
        grid = read_nifti_grid(source.path, source.number("t"))
    elif source.kind == "itk":
        grid = read_itk_time_grid(source.path, source.number("t"))
    else:
        grid = source.plan.grid
    _require_voxels(grid, source)
    return grid


@_guarded
def read_label(
    address: str | Path,
    values: Mapping[str, int | str] | None = None,
    *,
    max_pixels: int = MAX_PIXELS,
) -> tuple[NDArray[np.int32], Grid]:
    """Return a mask's class values and its grid.

    Parameters
    ----------
    address
        A NIfTI, NRRD or MetaImage file, a picture or a DICOM SEG.
    values
        What the file holds and the class value that it stands for: {"0": 0, "255": 1}, or colours
        {"#000000": 0, "#ff0000": 1}, or of a DICOM SEG the segments' labels or numbers
        {"Liver": 1}. Without it the file's values are the class values.
    max_pixels
        Largest picture that is decoded.

    Raises
    ------
    ReadError
        If a value is not whole or not in ``values``, or the file can't be read.
    """
    source = Source.of(address)
    source.require()
    path = source.path
    if source.kind is None:
        return read_dicom_seg(source, values)
    threshold = read_threshold(values)
    coded = values is not None and threshold is None
    table, colors = code_table(values or {}) if coded else (None, False)
    stack = _stack(source)
    if source.kind == "picture" and stack is None:
        codes, grid = read_codes(path, colors, max_pixels, source.number("page"))
    elif colors:
        raise ReadError(f"{path}: its values are no colours, as task#values expects")
    elif stack is not None:
        codes, grid = read_stack(stack, source.number("t"), as_stored=True), stack.grid
    else:
        read = read_nifti if source.kind == "nifti" else read_itk_time
        codes, grid = read(path, source.number("t"))
    _require_voxels(grid, str(path))
    if threshold is not None:
        return above(codes, threshold, path), grid
    numbers = whole_numbers(codes, path)
    return (numbers if table is None else map_codes(numbers, table, path, colors)), grid


def images_in(source: Source) -> list[Source]:
    """Return the images of a file: its time points or pages where it has several, else itself.

    A file that can't be read is returned as it is; reading it says what is wrong.

    >>> images_in(Source("/nowhere/a.png"))
    ['/nowhere/a.png']
    """
    if source.part is not None or source.kind is None:
        return [source]
    try:
        addresses = _parts(source)
    except (LaminaError, OSError):
        return [source]
    if len(addresses) < 2:
        return [source]
    return [Source(address, rules=source.rules) for address in addresses]


def _parts(source: Source) -> list[str]:
    path = source.path
    if source.kind != "picture":
        count = count_nifti(path) if source.kind == "nifti" else count_itk(path)
        return part_addresses(path, "t", range(1, count + 1))
    if path.suffix.lower() not in TIFF_SUFFIXES:
        return []
    stack = find_stack(path)
    if stack is not None:
        return part_addresses(path, "t", range(1, len(stack.pages) + 1))
    return part_addresses(path, "page", picture_pages(path))


def _stack(source: Source) -> TiffStack | None:
    """Return the volumes of a TIFF file, None for what is none or is read page by page."""
    if source.path.suffix.lower() not in TIFF_SUFFIXES or (source.part or "t")[0] != "t":
        return None
    return find_stack(source.path)


def _finite(values: NDArray[np.float32], grid: Grid, address: str) -> NDArray[np.float32]:
    _require_voxels(grid, address)
    finite = np.isfinite(values)
    if not finite.all():
        wrong = values.size - int(finite.sum())
        raise ReadError(
            f"{address}: {wrong} of {values.size} values are NaN or infinite",
            "export it again, or replace them by the value of the background",
        )
    return values


def _require_room(grid: Grid, address: str) -> None:
    """Refuse what its header says is larger than memory, before anything is read."""
    needed, free = 4e-9 * math.prod(grid.shape), psutil.virtual_memory().available / 1e9
    if needed > free:
        raise ReadError(
            f"{address}: {format_size(grid.shape)} voxels by its header, {needed:.3g} GB as "
            f"float32, but {free:.3g} GB of memory are free",
            "look whether the header is broken; cut the image, or take a larger machine",
        )


def _require_voxels(grid: Grid, address: str) -> None:
    if 0 in grid.shape:
        raise ReadError(f"{address}: size {format_size(grid.shape)}, expected at least one voxel")
