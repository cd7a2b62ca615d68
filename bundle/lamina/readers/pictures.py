"""PNG, JPEG, TIFF, BMP, GIF, JPEG 2000 and PNM pictures, of 1 to 16 bits, grey, colour or palette.

Arrays are (columns, rows[, 3]), as MONAI's PILReader gives them. Transparency is ignored. A
picture's resolution tag is not taken for a physical size: the grid's unit is "px". What Pillow
would cut to 8 bits, stretch or read as signed (colours and grey with transparency of 16 bits, 9 to
15 bits, 32 bits without a sign) is decoded by imagecodecs, tifffile or here. Where the smallest value means white (TIFF),
an image is inverted, in all depths, as DICOM's MONOCHROME1 is; a mask keeps the values that are
stored.
"""

import io
import re
import warnings
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from lamina.errors import ReadError, reading
from lamina.readers.grid import Grid, format_size, pixel_grid
from lamina.readers.parts import require_part
from lamina.readers.tiff_stacks import inverted, lone_page, picture_pages

MAX_PIXELS = 64_000_000
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "JPEG2000", "PPM")
"""All that is opened, whatever a file is called: Pillow's EPS reader starts Ghostscript."""
_GREY_MODES = ("L", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")
_BROKEN = "not a complete picture"
_EXIF_ORIENTATION = 0x0112
_BITS, _PHOTOMETRIC = 0x0102, 0x0106
_MIN_IS_WHITE = 0
_COLOURS = (0, 1, 2)  # grey and RGB
_GAP = rb"(?:\s|#[^\n]*\n)+"
_PNM_HEAD = re.compile(rb"P([2356])" + 3 * (_GAP + rb"(\d+)") + rb"(?:[ \t]*#[^\n]*\n|\s)")
_LUMINANCE = (0.299, 0.587, 0.114)


def read_picture(
    path: Path, channels: int = 1, max_pixels: int = MAX_PIXELS, page: int | None = None
) -> tuple[NDArray[Any], Grid]:
    """Return pixels (columns, rows), or (columns, rows, 3) if ``channels`` is 3, and their grid.

    Colours become grey by the luminance of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B. Of several
    pages, ``page`` counts from 1.

    Raises
    ------
    ReadError
        If the file is truncated, has more than ``max_pixels`` or several pages of which none is
        named, or is stored turned (EXIF).
    """
    picture = _decode(path, max_pixels, page)
    grid = pixel_grid(picture.size)
    stored = _stored(path, picture)
    if stored is None:
        return _to_channels(picture, channels).swapaxes(0, 1), grid
    if _photometric(picture) == _MIN_IS_WHITE and stored.ndim == 2:
        stored = inverted(stored, _bits(picture)[0])
    return _bands_to_channels(stored, channels).swapaxes(0, 1), grid


def read_codes(
    path: Path, colors: bool, max_pixels: int = MAX_PIXELS, page: int | None = None
) -> tuple[NDArray[Any], Grid]:
    """Return what a mask's pixels hold, (columns, rows), and their grid.

    With ``colors`` it is 0xRRGGBB. Without, it is the grey value, the palette's index, or, of a
    colour picture, the value that its three channels share.

    Raises
    ------
    ReadError
        As `read_picture`, or if ``colors`` is false and the picture is not grey.
    """
    picture = _decode(path, max_pixels, page)
    grid = pixel_grid(picture.size)
    stored = None if colors else _stored(path, picture)
    if stored is not None:
        codes = _one_band(stored[..., None] if stored.ndim == 2 else stored[..., :3], path)
    else:
        codes = _packed_colors(picture) if colors else _grey_codes(picture, path)
    return codes.swapaxes(0, 1), grid


def read_picture_grid(path: Path, max_pixels: int = MAX_PIXELS, page: int | None = None) -> Grid:
    """Return a picture's grid from its header alone; raises as `read_picture` does."""
    with _open(path, max_pixels, page) as picture:
        return pixel_grid(picture.size)


def open_picture(file: str | Path | io.BytesIO, formats: tuple[str, ...] = FORMATS) -> Image.Image:
    """Return a picture whose pixels are not decoded yet; the one place that asks Pillow.

    Raises
    ------
    OSError
        If it is none of the formats.

    Examples
    --------
    >>> open_picture(io.BytesIO(b"%!PS-Adobe-3.0 EPSF-3.0"))
    Traceback (most recent call last):
        ...
    PIL.UnidentifiedImageError: no picture in PNG, JPEG, TIFF, BMP, GIF, JPEG2000, PPM
    """
    try:
        return Image.open(file, formats=formats)
    except UnidentifiedImageError as error:
        raise UnidentifiedImageError(f"no picture in {', '.join(formats)}") from error


def _open(path: Path, max_pixels: int, page: int | None) -> Image.Image:
    with reading(path, "not a picture that can be read"), warnings.catch_warnings():
        # max_pixels is the bound here; Pillow's own only warns.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            picture = open_picture(path)
        except UnidentifiedImageError:
            picture = _unusual_tiff(path, max_pixels)
        if page is not None or getattr(picture, "n_frames", 1) > 1:
            _turn_to(picture, path, page)
    require_pixels(path, picture.size, max_pixels)
    return picture


def _unusual_tiff(path: Path, max_pixels: int) -> Image.Image:
    """Return a stand-in for a TIFF of a kind that Pillow does not know: tifffile reads its values.

    Raises
    ------
    UnidentifiedImageError
        If it is none of one grey page.
    """
    with path.open("rb") as file:
        tiff = file.read(2) in (b"II", b"MM")
    page = lone_page(path) if tiff else None
    if page is None:
        raise UnidentifiedImageError(f"no picture in {', '.join(FORMATS)}")
    size = (page.imagewidth, page.imagelength)
    require_pixels(path, size, max_pixels)
    picture: Any = Image.new("1", size)
    picture.getexif()[_EXIF_ORIENTATION] = page.tags.valueof(_EXIF_ORIENTATION, 1)
    picture.format, picture.tag_v2 = "TIFF", {_PHOTOMETRIC: int(page.photometric)}
    picture.tag_v2[_BITS] = (page.bitspersample,)
    return cast(Image.Image, picture)


def require_pixels(path: Path, size: tuple[int, int], max_pixels: int) -> None:
    """Refuse a picture or page that is too large to be decoded."""
    if size[0] * size[1] > max_pixels:
        raise ReadError(
            f"{path}: {format_size(size)} pixels, more than max_pixels {max_pixels}",
            "cut or shrink it, or raise max_pixels of the reader",
        )


def _turn_to(picture: Image.Image, path: Path, page: int | None) -> None:
    """Let the page be read that is named, or the only one that is no smaller copy of another."""
    pages = getattr(picture, "n_frames", 1)
    if page is None and picture.format == "TIFF":
        numbers = picture_pages(path)
        page = numbers[0] if len(numbers) == 1 else None
    picture.seek(require_part(path, "page", pages, page))


def _decode(path: Path, max_pixels: int, page: int | None) -> Image.Image:
    with _open(path, max_pixels, page) as picture, reading(path, _BROKEN):
        turn = picture.getexif().get(_EXIF_ORIENTATION, 1)
        picture.load()
    if turn not in (0, 1):
        raise ReadError(
            f"{path}: stored turned (EXIF orientation {turn}), so that its axes are unclear",
            "save it upright and without EXIF orientation",
        )
    return picture


def _stored(path: Path, picture: Image.Image) -> NDArray[Any] | None:
    """Return (rows, columns[, bands]) as stored, where Pillow would give other values, else None."""
    import imagecodecs
    import tifffile

    values: NDArray[Any] | None
    with reading(path, _BROKEN):
        if picture.format == "PNG" and _is_wide_png(path):
            values = imagecodecs.png_decode(path.read_bytes())
        elif picture.format == "TIFF" and _is_odd_tiff(picture, path):
            values = tifffile.imread(path, key=picture.tell())
        elif picture.format == "JPEG2000":
            values = imagecodecs.jpeg2k_decode(path.read_bytes())
        elif picture.format == "PPM":
            values = _pnm_values(path.read_bytes())
        else:
            return None
    if values is None or (picture.format == "JPEG2000" and values.dtype.itemsize == 1):
        return None
    if values.ndim == 3 and values.shape[:2] != picture.size[::-1]:
        values = np.moveaxis(values, 0, -1)  # one plane a colour
    # Grey with transparency.
    return values[..., 0] if values.ndim == 3 and values.shape[2] < 3 else values


def _pnm_values(content: bytes) -> NDArray[Any] | None:
    """Return the values of a PGM or PPM, None where their largest is 255, as Pillow expects."""
    head = _PNM_HEAD.match(content)
    if head is None or int(head[4]) == 255:
        return None
    kind, width, height, largest = map(int, head.groups())
    bands = 3 if kind in (3, 6) else 1
    if kind in (2, 3):
        values = np.array(content[head.end() :].split(), dtype=np.uint16)
    else:
        values = np.frombuffer(
            content, ">u2" if largest > 255 else "u1", width * height * bands, head.end()
        ).astype(np.uint16)
    return values.reshape((height, width, bands) if bands > 1 else (height, width))


def _is_wide_png(path: Path) -> bool:
    """Say whether a PNG has 16 bits and more than one band (bit depth and colour type of IHDR)."""
    with path.open("rb") as file:
        head = file.read(26)
    return head[24] == 16 and head[25] in (2, 4, 6)


def _is_odd_tiff(picture: Image.Image, path: Path) -> bool:
    """Say whether tifffile reads it: Pillow swaps bytes of some depths, and cuts or inverts others.

    One bit is Pillow's, since tifffile does not read all of its compressions.
    """
    bits, colours = _bits(picture), _photometric(picture)
    if max(bits) > 8 and colours not in _COLOURS:
        raise ReadError(
            f"{path}: {max(bits)} bits of colours that are neither grey nor RGB "
            f"(PhotometricInterpretation {colours})",
            "save it as RGB",
        )
    return max(bits) > 8 or (max(bits) > 1 and colours == _MIN_IS_WHITE)


def _bits(picture: Image.Image) -> tuple[int, ...]:
    bits: tuple[int, ...] = picture.tag_v2.get(_BITS, (1,))  # type: ignore[attr-defined]
    return bits


def _photometric(picture: Image.Image) -> int | None:
    return getattr(picture, "tag_v2", {}).get(_PHOTOMETRIC)


def _bands_to_channels(values: NDArray[Any], channels: int) -> NDArray[Any]:
    if values.ndim == 2:
        return values if channels == 1 else np.stack([values] * channels, axis=-1)
    return values[..., :3] if channels == 3 else luminance(values)


def luminance(colours: NDArray[Any]) -> NDArray[np.float64]:
    """Return the luminance of ITU-R BT.601 of colours in the last axis, in their own range.

    >>> luminance(np.array([[65535, 0, 0], [65535, 65535, 65535]])).round().tolist()
    [19595.0, 65535.0]
    """
    grey: NDArray[np.float64] = colours[..., :3] @ np.array(_LUMINANCE)
    return grey


def _to_channels(picture: Image.Image, channels: int) -> NDArray[Any]:
    if picture.mode in _GREY_MODES:
        grey = np.asarray(picture)
        return grey if channels == 1 else np.stack([grey] * channels, axis=-1)
    if channels == 1:
        # A palette's colours must be looked up before their luminance is taken.
        flat = picture.convert("RGB") if picture.mode != "1" else picture
        return np.asarray(flat.convert("L"))
    return np.asarray(picture.convert("RGB"))


def _grey_codes(picture: Image.Image, path: Path) -> NDArray[Any]:
    if picture.mode == "1":
        return np.asarray(picture).astype(np.uint8)
    if picture.mode in (*_GREY_MODES, "P"):
        return np.asarray(picture)
    return _one_band(np.asarray(picture.convert("RGB")), path)


def _one_band(colors: NDArray[Any], path: Path) -> NDArray[Any]:
    if (colors != colors[..., :1]).any():
        raise ReadError(
            f"{path}: a mask in colours, of which no class is known",
            'map them in the task: "label_values": {"#000000": 0, "#ff0000": 1}',
        )
    return colors[..., 0]


def _packed_colors(picture: Image.Image) -> NDArray[np.integer]:
    red, green, blue = np.moveaxis(np.asarray(picture.convert("RGB")).astype(np.int32), -1, 0)
    return (red << 16) | (green << 8) | blue
