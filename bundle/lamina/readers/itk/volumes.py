"""NRRD and MetaImage files, read by ITK.

A file without spacing has the unit "px". ITK reads lengths of whatever
unit as mm: another unit that the header names is brought to mm here.
"""

import re
from pathlib import Path
from typing import Any

import itk
import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from lamina.errors import GeometryError, ReadError
from lamina.readers.grid import Grid, Unit, format_size, lps_to_ras, pixel_grid, require_affine
from lamina.readers.itk.headers import ItkHeader, is_true, read_itk_header, require_sound

_UNITS = re.compile(rb"^(?:space units:|DistanceUnits\s*=)(.*)$", re.MULTILINE | re.IGNORECASE)
_MM_PER_UNIT = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "um": 0.001, "µm": 0.001}
_SPACING = re.compile(
    rb"^(?:Element(?:Spacing|Size)\s*=|spacings:|space directions:)", re.MULTILINE
)

_CHUNK = 1 << 16
_BAD_STREAM: Any = isal_zlib.error


def read_itk(path: Path) -> tuple[NDArray[Any], Grid]:
    """Return voxels (x, y[, z]) in float32 and their grid.

    Raises
    ------
    ReadError
        If the file is truncated, has more than three axes or several channels, or refers to data
        elsewhere.
    GeometryError
        If the affine is singular or not finite.
    """
    grid = read_itk_grid(path)
    _require_inflated(read_itk_header(path))
    try:
        voxels = itk.array_from_image(itk.imread(str(path), itk.F, imageio=_image_io(path)))
    except RuntimeError as error:
        raise _broken(path, error) from error
    return np.asarray(voxels).T, grid


def _require_inflated(header: ItkHeader) -> None:
    """Refuse deflated data that are broken: ITK returns what it has, or what lay in memory."""
    packed = header.fields.get(b"encoding", b"").lower() in (b"gz", b"gzip")
    if not packed and not is_true(header, b"CompressedData", False):
        return
    skipped = int(header.fields.get(b"byteskip", b"0"))
    expected = int(_information(header.path).GetImageSizeInBytes()) + max(skipped, 0)
    inflater, found = isal_zlib.decompressobj(wbits=47), 0
    with (header.data_file or header.path).open("rb") as file:
        file.seek(0 if header.data_file else len(header.text))
        part = file.read(_CHUNK) if header.data_file else file.read(_CHUNK).lstrip(b"\r\n")
        while part and found <= expected and not inflater.eof:
            try:
                found += len(inflater.decompress(part))
            except _BAD_STREAM as error:
                raise _broken(header.path, error) from error
            part = file.read(_CHUNK)
    if found < expected or (found > expected and skipped >= 0):
        shown = f"{found} bytes" if found < expected else "more"
        reason = f"its deflated data hold {shown}, expected {expected} bytes"
        raise _broken(header.path, EOFError(reason))


def read_itk_grid(path: Path) -> Grid:
    """Return the grid of an NRRD or MetaImage file from its header; raises as `read_itk` does."""
    header = read_itk_header(path)
    return header_grid(header, require_sound(header))


def header_grid(header: ItkHeader, shape: tuple[int, ...]) -> Grid:
    """Return the grid of a header that was found sound, with the sizes that it names."""
    path = header.path
    _require_axes(path, shape, 4 if path.suffix.lower() == ".nrrd" else 3)
    information = _information(path)
    axes = information.GetNumberOfDimensions()
    shape = tuple(int(information.GetDimensions(axis)) for axis in range(axes))
    _require_axes(path, shape, 3)
    channels = information.GetNumberOfComponents()
    if channels != 1:
        raise ReadError(
            f"{path}: {channels} channels, expected 1", "save each channel as a file of its own"
        )
    unit: Unit = "mm" if _SPACING.search(header.text) else "px"
    if unit == "px":
        return pixel_grid(shape)
    affine = _affine(information, path)
    affine[:3] *= _mm_per_unit(header.text, path)
    return Grid(shape, affine)


def _require_axes(path: Path, shape: tuple[int, ...], most: int) -> None:
    if not 2 <= len(shape) <= most:
        raise ReadError(
            f"{path}: size {format_size(shape)}, expected a picture or a volume",
            "split time points and channels into files of their own",
        )


def _information(path: Path) -> "itk.ImageIOBase":
    information = _image_io(path)
    try:
        information.ReadImageInformation()
    except RuntimeError as error:
        raise _broken(path, error) from error
    return information


def _image_io(path: Path) -> "itk.ImageIOBase":
    """Return what reads the format of the suffix, and no other that ITK finds in the content."""
    maker = itk.NrrdImageIO if path.suffix.lower() == ".nrrd" else itk.MetaImageIO
    return maker.New(FileName=str(path))


def _affine(information: "itk.ImageIOBase", path: Path) -> NDArray[np.float64]:
    axes = information.GetNumberOfDimensions()
    affine = np.eye(4)
    for axis in range(axes):
        direction = np.asarray(information.GetDirection(axis))
        affine[:axes, axis] = direction * information.GetSpacing(axis)
        affine[axis, 3] = information.GetOrigin(axis)
    require_affine(affine, path)
    return lps_to_ras(affine)


def _mm_per_unit(header: bytes, path: Path) -> float:
    match = _UNITS.search(header)
    text = match.group(1).decode("utf-8", "replace") if match else ""
    named = {unit for unit in re.findall(r"[^\s\"]+", text) if unit != "???"}
    if not named:
        return 1.0
    if len(named) > 1 or not named <= set(_MM_PER_UNIT):
        raise GeometryError(
            f"{path}: lengths in {', '.join(sorted(named))}, expected one of "
            f"{', '.join(_MM_PER_UNIT)}",
            "write the file again in mm",
        )
    return _MM_PER_UNIT[named.pop()]


def _broken(path: Path, error: BaseException) -> ReadError:
    lines = [line for line in str(error).splitlines() if line.strip()]
    reason = lines[-1].strip() if lines else type(error).__name__
    return ReadError(f"{path}: ITK can't read it ({reason})", "copy or export it again")


def data_file(path: Path) -> Path | None:
    """Return the file beside a header that holds its data; None where the data follows it.

    Raises
    ------
    ReadError
        If the data is said to lie in another folder or in several files, or is missing.
    """
    return read_itk_header(path).data_file
