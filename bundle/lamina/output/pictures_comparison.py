"""The panels of one case side by side, with titles and a legend, as one picture."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.font_manager import findfont
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lamina.output.pictures import ERROR_COLOURS, PictureSettings, comparison_panels
from lamina.tasks import Label
from lamina.tasks.labels import Colour

_MARGIN = 10
_FONT_SIZE = 15
_LINE = 24
_PAPER, _INK = (250, 250, 250), (30, 34, 40)


def comparison_picture(
    image: Any,
    truth: Any,
    prediction: Any,
    labels: Sequence[Label],
    *,
    spacing: Sequence[float],
    affine: NDArray[np.floating] | None = None,
    settings: PictureSettings | None = None,
) -> Image.Image:
    """Draw image, truth, prediction and difference side by side, with titles and a legend.

    Arguments and errors are those of ``lamina.output.pictures.comparison_panels``.

    Examples
    --------
    >>> labels = [Label(0, "background", (0, 0, 0)), Label(1, "lung", (0, 120, 255))]
    >>> mask = np.zeros((30, 30), dtype=int)
    >>> comparison_picture(mask, mask, mask, labels, spacing=(1.0, 1.0)).size
    (1490, 428)
    """
    panels = comparison_panels(
        image, truth, prediction, labels, spacing=spacing, affine=affine, settings=settings
    )
    structures = {label.name: label.color for label in labels[1:]}
    return _side_by_side(panels, structures | dict(ERROR_COLOURS))


def _side_by_side(panels: Mapping[str, Image.Image], legend: Mapping[str, Colour]) -> Image.Image:
    font = ImageFont.truetype(findfont("DejaVu Sans"), _FONT_SIZE)
    wide, high = next(iter(panels.values())).size
    width = len(panels) * (wide + _MARGIN) + _MARGIN
    rows = _legend_rows(legend, font, width - 2 * _MARGIN)
    height = high + 2 * _MARGIN + _LINE * (1 + len(rows))
    picture = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(picture)
    for index, (title, panel) in enumerate(panels.items()):
        left = _MARGIN + index * (wide + _MARGIN)
        draw.text((left, _MARGIN // 2), title.capitalize(), _INK, font)
        picture.paste(panel, (left, _MARGIN // 2 + _LINE))
    for index, row in enumerate(rows):
        _draw_legend_row(draw, row, font, high + _MARGIN + _LINE * (1 + index))
    return picture


def _legend_rows(
    legend: Mapping[str, Colour], font: ImageFont.FreeTypeFont, width: int
) -> list[dict[str, Colour]]:
    rows: list[dict[str, Colour]] = [{}]
    for name, colour in legend.items():
        needed = sum(_entry_width(entry, font) for entry in (*rows[-1], name))
        if rows[-1] and needed > width:
            rows.append({})
        rows[-1][name] = colour
    return rows


def _draw_legend_row(
    draw: ImageDraw.ImageDraw, row: Mapping[str, Colour], font: ImageFont.FreeTypeFont, top: int
) -> None:
    left = _MARGIN
    for name, colour in row.items():
        draw.rectangle((left, top + 3, left + _FONT_SIZE, top + 3 + _FONT_SIZE), colour, _INK)
        draw.text((left + _FONT_SIZE + 6, top), name, _INK, font)
        left += _entry_width(name, font)


def _entry_width(name: str, font: ImageFont.FreeTypeFont) -> int:
    return round(font.getlength(name)) + _FONT_SIZE + 26
