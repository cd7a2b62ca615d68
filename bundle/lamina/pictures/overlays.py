"""One picture of a prediction: the image with coloured structures, and a legend."""

from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from lamina.files import written_whole
from lamina.pictures.panels import PictureSettings, Scene, overlay_picture
from lamina.pictures.views import plane_axes
from lamina.writers.segmented_case import SegmentedCase, depth_axis, spacing_of

_GAP = 12
_LINE = 22
_BACK, _TEXT = (18, 22, 28), (230, 234, 240)


def write_overlay(case: SegmentedCase, folder: Path) -> Path:
    """Write ``NAME.png``: a picture, or of a volume the slices with most structure in three planes.

    Slices of a volume stand as radiologists look at them (the patient's left on the right); those
    of a layer task as they were scanned, the depth downwards.
    """
    panels = _panels(case)
    legend = _legend(case)
    width = sum(panel.width for _, panel in panels) + _GAP * (len(panels) + 1)
    height = max(panel.height for _, panel in panels)
    width = max(width, legend.width + 2 * _GAP)
    sheet = Image.new("RGB", (width, height + _LINE + legend.height + 3 * _GAP), _BACK)
    draw, left = ImageDraw.Draw(sheet), _GAP
    for title, panel in panels:
        draw.text((left, _GAP), title, fill=_TEXT, font=_font())
        sheet.paste(panel, (left, _GAP + _LINE))
        left += panel.width + _GAP
    sheet.paste(legend, (_GAP, height + _LINE + 2 * _GAP))
    path = folder / f"{case.name}.png"
    with written_whole(path) as part:
        sheet.save(part, compress_level=1)
    return path


def _panels(case: SegmentedCase) -> list[tuple[str, Image.Image]]:
    def draw(axis: int, affine: Any) -> Image.Image:
        settings = PictureSettings(slice_axis=axis)
        scene = Scene(case.image, case.labels, spacing_of(case), affine, settings)
        return overlay_picture(scene, case.label).convert("RGB")

    if case.label.ndim == 2:
        return [(case.name, draw(-1, None))]
    if depth_axis(case) is not None:
        return [(f"{case.name}, slice with most structure", draw(-1, None))]
    planes = sorted(plane_axes(case.affine).items())
    sides = {"sagittal": ""}
    return [
        (plane + sides.get(plane, " (left is on the right)"), draw(axis, case.affine))
        for plane, axis in planes
    ]


def _legend(case: SegmentedCase) -> Image.Image:
    boxes = ndimage.find_objects(case.label, max_label=len(case.labels))
    present = {value for value, box in enumerate(boxes, 1) if box is not None}
    texts = [
        (label.color, label.name if label.value in present else f"{label.name} (not found)")
        for label in case.labels[1:]
    ]
    widths = [int(_font().getlength(text)) + 40 for _, text in texts]
    columns = max(1, min(len(texts), 720 // max(widths, default=1)))
    rows = -(-len(texts) // columns)
    sheet = Image.new("RGB", (columns * max(widths, default=1), max(rows, 1) * _LINE), _BACK)
    draw = ImageDraw.Draw(sheet)
    for index, (colour, text) in enumerate(texts):
        left, top = index % columns * max(widths), index // columns * _LINE
        draw.rectangle((left, top + 3, left + 13, top + 16), fill=colour)
        draw.text((left + 20, top + 2), text, fill=_TEXT, font=_font())
    return sheet


def _font() -> Any:
    from matplotlib import get_data_path

    return ImageFont.truetype(str(Path(get_data_path(), "fonts/ttf/DejaVuSans.ttf")), 13)
