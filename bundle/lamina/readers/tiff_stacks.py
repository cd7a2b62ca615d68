"""TIFF files of several pages: volumes, their time points, or pictures.

OME-TIFF and ImageJ say which axis their pages follow and how large a voxel is. Of any other file,
grey pages of one size are the slices of a volume whose voxels have no known size, and a warning
says so; pages of several sizes, and pages in colours, are pictures, FILE#page:N. Smaller copies of
a page (a pyramid, a thumbnail) and transparency masks are left out.
"""

import itertools
import logging
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from defusedxml import ElementTree
from numpy.typing import NDArray

from lamina.errors import ReadError
from lamina.readers.grid import Grid, format_size, pixel_grid
from lamina.readers.parts import require_part

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage, TiffPageSeries

SUFFIXES = (".tif", ".tiff")
_BROKEN = (OSError, ValueError, LookupError, TypeError, RuntimeError, SyntaxError, struct.error)
_NO_PAGE = 1 | 4  # a smaller copy, a transparency mask (NewSubfileType)
_ORIENTATION, _X_RESOLUTION, _Y_RESOLUTION = 274, 282, 283
_GREY = (0, 1)
_MM_PER_UNIT = {"m": 1000.0, "cm": 10.0, "mm": 1.0, "µm": 1e-3, "nm": 1e-6}
_MM_PER_UNIT |= {"um": 1e-3, "micron": 1e-3, "microns": 1e-3, "μm": 1e-3, "\\u00B5m": 1e-3}
_MM_PER_UNIT |= {"inch": 25.4, "in": 25.4}

logger = logging.getLogger("lamina")


@dataclass(frozen=True)
class TiffStack:
    """A TIFF file whose pages are slices.

    ``pages`` are their numbers in the file, (time points, slices). ``size`` is (columns, rows).
    ``spacing`` is in mm, None where the file does not say it; ``known`` says whether the file
    itself calls its pages slices, ``dark_is_high`` whether its smallest value means white.
    """

    path: Path
    pages: NDArray[np.intp]
    size: tuple[int, int]
    bits: int
    spacing: tuple[float, float, float] | None
    known: bool
    dark_is_high: bool

    @property
    def grid(self) -> Grid:
        """The grid of each time point; axes lie as those of a picture."""
        shape = (*self.size, self.pages.shape[1])
        if self.spacing is None:
            return pixel_grid(shape)
        return Grid(shape, np.diag([*self.spacing, 1.0]))


def find_stack(path: Path) -> TiffStack | None:
    """Return what a TIFF file says of its pages, None where they are pictures.

    Raises
    ------
    ReadError
        If its pages are channels, are stored turned, or lie in other files.
    """
    with _opened(path) as tiff:
        pages = _pages(tiff)
        if tiff.is_ome or tiff.is_imagej:
            return _told(path, tiff, pages[0])
        kept = _without_copies(pages)
        first = pages[kept[0]] if kept else pages[0]
        if len(kept) < 2 or any(_look(pages[at]) != _look(first) for at in kept):
            return None
        if first.samplesperpixel != 1 or int(first.photometric) not in _GREY:
            return None
        return _stack(path, first, np.array([kept]), None, known=False)


def picture_pages(path: Path) -> list[int]:
    """Return the numbers, from 1, of the pages that are pictures of their own."""
    with _opened(path) as tiff:
        pages = _pages(tiff)
        kept = _without_copies(pages) or [0]
        sizes = [pages[at].shape[:2] for at in kept]
        if len(kept) > 1 and (tiff.series[0].is_pyramidal or _shrink(sizes)):
            kept = kept[:1]
        return [at + 1 for at in kept]


def read_stack(stack: TiffStack, time: int | None, *, as_stored: bool) -> NDArray[Any]:
    """Return the voxels (x, y, z) of a time point.

    Parameters
    ----------
    stack
        What `find_stack` found.
    time
        The time point, from 1; None where there is only one.
    as_stored
        As a mask has its values; else they are inverted where the smallest means white.

    Raises
    ------
    ReadError
        If a page can't be decoded, or no time point is named and there are several.
    """
    at = require_part(stack.path, "t", len(stack.pages), time)
    if not stack.known and not as_stored:
        logger.warning(
            "%s: its %d pages of one size are taken for the slices of a volume; if they are "
            "pictures, name one of them: %s#page:1",
            stack.path,
            stack.pages.shape[1],
            stack.path,
        )
    with _opened(stack.path) as tiff:
        voxels = np.stack(_slices(tiff, stack.pages[at], stack.known)).transpose(2, 1, 0)
    return inverted(voxels, stack.bits) if stack.dark_is_high and not as_stored else voxels


def inverted(values: NDArray[Any], bits: int) -> NDArray[Any]:
    """Return values of which the smallest means white so that it means black.

    >>> inverted(np.array([0, 255], np.uint8), 8), inverted(np.array([-128], np.int8), 8)
    (array([255,   0]), array([127]))
    """
    if values.dtype.kind == "f":
        return cast(NDArray[Any], values.max() - values)
    return (-1 if values.dtype.kind == "i" else 2**bits - 1) - values.astype(np.int64)


def lone_page(path: Path) -> "TiffPage | None":
    """Return the page of a file that has one, with one real number a pixel; None for any other."""
    with _opened(path) as tiff:
        page = _pages(tiff)[0]
        lone = len(tiff.pages) == 1 and page.samplesperpixel == 1
        numbers = page.dtype is not None and page.dtype.kind in "iuf"
        return page if lone and numbers and int(page.photometric) in _GREY else None


@contextmanager
def _opened(path: Path) -> "Iterator[TiffFile]":
    """Open a file, and no other that its header may name."""
    from tifffile import TiffFile, TiffFileError

    try:
        with TiffFile(path, _multifile=False) as tiff:
            yield tiff
    except (*_BROKEN, TiffFileError) as error:
        raise ReadError(
            f"{path}: not a complete TIFF file ({error})", "copy or export it again"
        ) from error


def _pages(tiff: "TiffFile") -> list["TiffPage"]:
    """Return all pages; tifffile itself only logs where the list of them is broken off."""
    pages = [cast("TiffPage", page) for page in tiff.pages]
    layout = tiff.tiff
    tiff.filehandle.seek(pages[-1].offset)
    (tags,) = struct.unpack(layout.tagnoformat, tiff.filehandle.read(layout.tagnosize))
    tiff.filehandle.seek(tags * layout.tagsize, 1)
    (following,) = struct.unpack(layout.offsetformat, tiff.filehandle.read(layout.offsetsize))
    if following:
        raise ValueError(f"page {len(pages) + 1} is missing")
    return pages


def _without_copies(pages: "Sequence[TiffPage]") -> list[int]:
    return [at for at, page in enumerate(pages) if not int(page.subfiletype) & _NO_PAGE]


def _look(page: "TiffPage") -> tuple[Any, ...]:
    return page.shape, page.dtype, page.photometric


def _shrink(sizes: Sequence[tuple[int, ...]]) -> bool:
    """Say whether each picture is a smaller copy of the first, by its size."""
    rows, columns = sizes[0]
    for before, size in itertools.pairwise(sizes):
        wanted = rows * size[1] / columns
        if size[0] >= before[0] or abs(wanted - size[0]) > 1 or max(size) < 2:
            return False
    return True


def _told(path: Path, tiff: "TiffFile", first: "TiffPage") -> TiffStack | None:
    """Return the stack of an OME-TIFF or ImageJ file by its own words."""
    series = tiff.series[0]
    lengths = {axis: n for axis, n in zip(series.axes, series.shape, strict=True) if n > 1}
    others = set(lengths) - set("TZYX")
    said = _ome_pixels(tiff) if tiff.is_ome else {}
    if said and any(int(said[f"Size{axis}"]) != lengths.get(axis, 1) for axis in "ZT"):
        raise ReadError(
            f"{path}: by its header it has {said['SizeZ']} slices and {said['SizeT']} time "
            f"points, but its pages are {format_size(series.shape)} ({series.axes})",
            "some may lie in other files: save them as one file",
        )
    if others == {"S"} or "Z" not in lengths or len(tiff.series) > 1:
        # ImageJ lets one page stand for all that follow it.
        if others - {"S"} or len(tiff.pages) < lengths.get("T", 1):
            raise _channels(path, series)
        return None
    if others:
        raise _channels(path, series)
    spacing = _ome_spacing(said) if tiff.is_ome else _imagej_spacing(tiff, first)
    leading = [axis for axis in series.axes if axis in lengths and axis in "TZ"]
    numbers = np.arange(int(np.prod([lengths[axis] for axis in leading])))
    pages = numbers.reshape([lengths[axis] for axis in leading])
    if leading == ["Z", "T"]:
        pages = pages.T
    return _stack(path, first, pages.reshape(-1, lengths["Z"]), spacing, known=True)


def _channels(path: Path, series: "TiffPageSeries") -> ReadError:
    return ReadError(
        f"{path}: axes {series.axes} of {format_size(series.shape)}, expected time points, "
        "slices, rows and columns alone",
        "save the channel that the task needs as a file of its own",
    )


def _stack(
    path: Path,
    first: "TiffPage",
    pages: NDArray[np.intp],
    spacing: tuple[float, float, float] | None,
    known: bool,
) -> TiffStack:
    turn = first.tags.valueof(_ORIENTATION, 1)
    if turn not in (0, 1):
        raise ReadError(
            f"{path}: stored turned (orientation {int(turn)}), so that its axes are unclear",
            "save it upright",
        )
    return TiffStack(
        path=path,
        pages=pages,
        size=(first.imagewidth, first.imagelength),
        bits=int(first.bitspersample),
        spacing=spacing,
        known=known,
        dark_is_high=int(first.photometric) == 0,
    )


def _slices(tiff: "TiffFile", numbers: NDArray[np.intp], known: bool) -> list[NDArray[Any]]:
    """Return the pages (rows, columns) of one time point, and read no other."""
    if not known:
        return [tiff.pages[int(number)].asarray() for number in numbers]
    series = tiff.series[0]
    if series.dataoffset is not None and len(series.pages) < series.size // series.keyframe.size:
        shape = (-1, *series.keyframe.shape)
        stored = tiff.filehandle.memmap_array(
            tiff.byteorder + series.dtype.char, series.shape, series.dataoffset
        )
        return [np.array(page) for page in stored.reshape(shape)[numbers]]
    chosen = [series.pages[int(number)] for number in numbers]
    if any(page is None for page in chosen):
        raise ValueError("some of its pages lie in other files")
    return [cast("TiffPage", page).asarray() for page in chosen]


def _ome_pixels(tiff: "TiffFile") -> Mapping[str, str]:
    """Return what OME-XML says of the first image's pixels."""
    root = ElementTree.fromstring(tiff.ome_metadata or "")
    pixels = (one.attrib for one in root.iter() if one.tag.rpartition("}")[2] == "Pixels")
    return next(pixels, {})


def _ome_spacing(said: Mapping[str, str]) -> tuple[float, float, float] | None:
    names = [f"PhysicalSize{axis}" for axis in "XYZ"]
    return _spacing([(said.get(name), said.get(f"{name}Unit", "µm")) for name in names])


def _imagej_spacing(tiff: "TiffFile", first: "TiffPage") -> tuple[float, float, float] | None:
    about = tiff.imagej_metadata or {}
    unit = str(about.get("unit", ""))
    pixels = [first.tags.valueof(code) for code in (_X_RESOLUTION, _Y_RESOLUTION)]
    if not all(pixels) or not all(number for pair in pixels for number in pair):
        return None
    sizes = [below / above for above, below in pixels]
    return _spacing([(size, unit) for size in (*sizes, about.get("spacing"))])


def _spacing(sizes: Sequence[tuple[Any, str]]) -> tuple[float, float, float] | None:
    """Return lengths in mm; None where one of them or its unit is not known."""
    if any(not size or unit not in _MM_PER_UNIT for size, unit in sizes):
        return None
    x, y, z = (float(size) * _MM_PER_UNIT[unit] for size, unit in sizes)
    return (x, y, z) if min(x, y, z) > 0 and max(x, y, z) < np.inf else None
