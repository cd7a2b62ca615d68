"""PNG, JPEG, TIFF and BMP pictures, of 1, 8 or 16 bits, grey, colour or palette.

Arrays are (columns, rows[, 3]), as MONAI's PILReader gives them. Transparency is ignored. A
picture's resolution tag is not taken for a physical size: the grid's unit is "px".
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamina.errors import ReadError
from lamina.readers.grid import Grid, format_size, pixel_grid

MAX_PIXELS = 64_000_000
_GREY_MODES = ("L", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")
_UNREADABLE = (OSError, ValueError, SyntaxError, EOFError)
_EXIF_ORIENTATION = 0x0112


def read_picture(
    path: Path, channels: int = 1, max_pixels: int = MAX_PIXELS
) -> tuple[NDArray[Any], Grid]:
    """Return pixels (columns, rows), or (columns, rows, 3) if ``channels`` is 3, and their grid.

    Colours become grey by the luminance of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B.

    Raises
    ------
    ReadError
        If the file is truncated, has more than ``max_pixels`` or several pages, or is stored
        turned (EXIF).
    """
    picture = _decode(path, max_pixels)
    grid = pixel_grid(picture.size)
    return _to_channels(picture, channels).swapaxes(0, 1), grid


def read_codes(path: Path, colors: bool, max_pixels: int = MAX_PIXELS) -> tuple[NDArray[Any], Grid]:
    """Return what a mask's pixels hold, (columns, rows), and their grid.

    With ``colors`` it is 0xRRGGBB. Without, it is the grey value, the palette's index, or, of a
    colour picture, the value that its three channels share.

    Raises
    ------
    ReadError
        As `read_picture`, or if ``colors`` is false and the picture is not grey.
    """
    picture = _decode(path, max_pixels)
    grid = pixel_grid(picture.size)
    codes = _packed_colors(picture) if colors else _grey_codes(picture, path)
    return codes.swapaxes(0, 1), grid


def read_picture_grid(path: Path, max_pixels: int = MAX_PIXELS) -> Grid:
    """Return a picture's grid from its header alone; raises as `read_picture` does."""
    with _open(path, max_pixels) as picture:
        return pixel_grid(picture.size)


def _open(path: Path, max_pixels: int) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # max_pixels is the bound here; Pillow's own only warns.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(path)
    except (*_UNREADABLE, Image.DecompressionBombError) as error:
        raise ReadError(f"{path}: not a picture that can be read ({error})") from error
    if picture.width * picture.height > max_pixels:
        raise ReadError(
            f"{path}: {format_size(picture.size)} pixels, more than max_pixels {max_pixels}",
            "cut or shrink it, or raise max_pixels of the reader",
        )
    return picture


def _decode(path: Path, max_pixels: int) -> Image.Image:
    with _open(path, max_pixels) as picture:
        pages = getattr(picture, "n_frames", 1)
        if pages > 1:
            raise ReadError(f"{path}: {pages} pages, expected one", "save each as its own file")
        try:
            turn = picture.getexif().get(_EXIF_ORIENTATION, 1)
            picture.load()
        except _UNREADABLE as error:
            raise ReadError(
                f"{path}: not a complete picture ({error})", "copy or export it again"
            ) from error
    if turn not in (0, 1):
        raise ReadError(
            f"{path}: stored turned (EXIF orientation {turn}), so that its axes are unclear",
            "save it upright and without EXIF orientation",
        )
    return picture


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
    colors = np.asarray(picture.convert("RGB"))
    if (colors != colors[..., :1]).any():
        raise ReadError(
            f"{path}: a mask in colours, of which no class is known",
            'map them in the task: "label_values": {"#000000": 0, "#ff0000": 1}',
        )
    return colors[..., 0]


def _packed_colors(picture: Image.Image) -> NDArray[np.integer]:
    red, green, blue = np.moveaxis(np.asarray(picture.convert("RGB")).astype(np.int32), -1, 0)
    return (red << 16) | (green << 8) | blue
