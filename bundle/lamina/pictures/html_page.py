"""What all pages share: one HTML file with everything inside.

Pictures, charts and style are embedded, so that it opens without a network and can be sent by
mail. It needs no script; unfolded sections are printed.
"""

import base64
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lamina.files import written_whole
from lamina.metrics.catalogue import format_interval, format_number
from lamina.readers.pictures import open_picture

Picture = bytes | os.PathLike[str]

_JPEG = b"\xff\xd8"


def write_page(path: str | os.PathLike[str], template: Path, **content: Any) -> None:
    """Write a page from a template, which may include those of this folder, whole or not at all."""
    page = _environment(template.parent).get_template(template.name).stream(**content)
    with written_whole(path) as part:
        page.dump(str(part), encoding="utf-8", errors="backslashreplace")


def _environment(templates: Path) -> Environment:
    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader([templates, folder]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": format_number,
        "interval": format_interval,
        "data_uri": _data_uri,
        "is_wide": _is_wide,
        "css_colour": _css_colour,
    }
    environment.globals["style"] = (folder / "report.css").read_text()
    return environment


def _data_uri(picture: Picture) -> str:
    content = _read(picture)
    kind = "jpeg" if content.startswith(_JPEG) else "png"
    return f"data:image/{kind};base64," + base64.b64encode(content).decode("ascii")


def _is_wide(picture: Picture) -> bool:
    """Say whether four such pictures side by side would be too low to see details."""
    wide, high = open_picture(io.BytesIO(_read(picture))).size
    return wide > 1.6 * high


def _read(picture: Picture) -> bytes:
    return picture if isinstance(picture, bytes) else Path(picture).read_bytes()


def _css_colour(colour: Sequence[int]) -> str:
    return f"rgb({', '.join(map(str, colour))})"
