"""Contact sheets: many slices on a page, each with its number."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from lamina.cases.slice_list import ListedSlice
from lamina.cases.slice_pictures import Window, slice_picture
from lamina.files import written_whole

COLUMNS, ROWS = 6, 5
_SIZE, _LINE, _GAP = 180, 20, 8
_BACK, _TEXT = (18, 22, 28), (230, 234, 240)


def write_contact_sheets(slices: Sequence[ListedSlice], folder: Path, window: Window) -> list[Path]:
    """Write ``sheet_001.png`` and so on, 30 slices each; return their paths.

    Raises
    ------
    ReadError
        If a slice can't be decoded; the message names its file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pages = [slices[at : at + COLUMNS * ROWS] for at in range(0, len(slices), COLUMNS * ROWS)]
    return [_write_page(page, folder, number, window) for number, page in enumerate(pages, 1)]


def _write_page(page: Sequence[ListedSlice], folder: Path, number: int, window: Window) -> Path:
    cell = (_SIZE + _GAP, _SIZE + _LINE + _GAP)
    sheet = Image.new("RGB", (COLUMNS * cell[0] + _GAP, ROWS * cell[1] + _GAP), _BACK)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=14)
    for place, one in enumerate(page):
        left, top = place % COLUMNS * cell[0] + _GAP, place // COLUMNS * cell[1] + _GAP
        draw.text((left, top), str(one.number), fill=_TEXT, font=font)
        picture = slice_picture(one.file, window)
        scale = _SIZE / max(picture.size)
        size = (max(round(picture.width * scale), 1), max(round(picture.height * scale), 1))
        sheet.paste(picture.resize(size).convert("RGB"), (left, top + _LINE))
    path = folder / f"sheet_{number:03d}.png"
    with written_whole(path) as part:
        sheet.save(part, format="PNG")
    return path
