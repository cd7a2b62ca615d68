"""One case as one picture: image, reference, prediction and errors side by side, or contours."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.font_manager import findfont
from monai.data import MetaTensor
from monai.data.utils import affine_to_spacing
from monai.utils import convert_to_numpy
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lamina.metrics.measure import MeasureSettings
from lamina.pictures.panels import ERROR_COLOURS, Panel, Scene, comparison_panels
from lamina.pictures.views import choose_view
from lamina.tasks.labels import Colour, read_labels

_MARGIN = 10
_FONT_SIZE = 15
_LINE = 24
_PAPER, _INK = (250, 250, 250), (30, 34, 40)


def comparison_picture(scene: Scene, reference: Any, prediction: Any) -> Image.Image:
    """Draw the panels of `comparison_panels` side by side, with titles and a legend.

    >>> from lamina.tasks.labels import Label
    >>> labels = [Label(0, "background", (0, 0, 0)), Label(1, "lung", (0, 120, 255))]
    >>> mask = np.zeros((30, 30), dtype=int)
    >>> comparison_picture(Scene(mask, labels, (1.0, 1.0)), mask, mask).size
    (1490, 428)
    """
    panels = comparison_panels(scene, reference, prediction)
    structures = {label.name: label.color for label in scene.labels[1:]}
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


def contour_panels(
    scene: Scene, masks: Mapping[str, NDArray], focus: NDArray
) -> dict[str, Image.Image]:
    """Draw "image", and on it the contours of each label map.

    Parameters
    ----------
    scene
        The image, and how it is drawn.
    masks
        Label maps by title.
    focus
        (x, y[, z]): of a volume the slice with most non-zero voxels of it is shown.

    Raises
    ------
    GeometryError
        If the shapes differ.

    Examples
    --------
    >>> from lamina.tasks.labels import Label
    >>> labels = [Label(0, "background", (0, 0, 0)), Label(1, "lung", (0, 120, 255))]
    >>> mask = np.zeros((30, 20), dtype=int)
    >>> list(contour_panels(Scene(mask, labels, (1.0, 1.0)), {"A": mask}, focus=mask))
    ['image', 'A']
    """
    grey, focus, *maps = scene.arrays(focus, *masks.values())
    view = choose_view(focus, scene.affine, scene.settings.slice_axis)
    panel = Panel(view.show(grey), view, scene)
    outlines = [panel.outline(view.show(mask), scene.colours) for mask in maps]
    return {"image": panel.draw(), **dict(zip(masks, outlines, strict=True))}


def panel_drawer(
    labels: Sequence[Mapping[str, Any]], measure: MeasureSettings | None = None
) -> Callable[[Mapping[str, Any]], np.ndarray]:
    """Return a function that draws a case with ``image``, ``label`` and ``pred``, (1, x, y[, z]).

    Parameters
    ----------
    labels
        As the task's JSON has them.
    measure
        What the task measures: a slice of a volume is turned as radiologists look at it, but in a
        layer task the depth runs down.

    Examples
    --------
    >>> import torch
    >>> mask = torch.zeros(1, 30, 20)
    >>> draw = panel_drawer([
    ...     {"value": 0, "name": "background", "color": [0, 0, 0]},
    ...     {"value": 1, "name": "lung", "color": [0, 120, 255]},
    ... ])
    >>> draw({"image": mask, "label": mask, "pred": mask}).dtype
    dtype('uint8')
    """
    known = read_labels(labels)

    def draw(case: Mapping[str, Any]) -> np.ndarray:
        image = case["image"]
        spacing, turn = [1.0] * (image.ndim - 1), None
        if isinstance(image, MetaTensor):
            affine = convert_to_numpy(image.affine)
            spacing = affine_to_spacing(affine, r=image.ndim - 1).tolist()
            turn = None if measure and measure.depth_axis is not None else affine
        scene = Scene(image, known, spacing, turn)
        return np.asarray(comparison_picture(scene, case["label"], case["pred"]))

    return draw
