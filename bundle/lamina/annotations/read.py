"""Annotation files of all tools, told apart by their content."""

import json
from pathlib import Path
from typing import Any

from lamina.annotations.coco import is_coco, read_coco
from lamina.annotations.cvat import read_cvat
from lamina.annotations.labelme import is_labelme, read_labelme
from lamina.annotations.shapes import AnnotatedImage
from lamina.annotations.via import is_via, read_via
from lamina.errors import ReadError

_KNOWN = "known are VIA 1 and 2, labelme, COCO (JSON) and CVAT for images 1.1 (XML)"


def read_annotations(path: Path, attribute: str | None = None) -> list[AnnotatedImage]:
    """Return the pictures of an annotation file, or of a folder of labelme files.

    Parameters
    ----------
    path
        The file that an annotation tool exported; its content shows the tool.
    attribute
        For VIA, the attribute of a region that is its label.

    Raises
    ------
    ReadError
        If it is missing, broken, or of another kind; names file and line.
    ConfigError
        If the attribute of the label is not clear.
    """
    if path.is_dir():
        return _read_folder(path)
    if not path.is_file():
        raise ReadError(f"{path}: no such file", "check the path")
    try:
        if path.suffix.lower() == ".xml":
            return read_cvat(path)
        return _read_json(path, attribute)
    except ReadError as error:
        text = str(error)
        raise error if str(path) in text else ReadError(f"{path}: {text}") from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ReadError(
            f"{path}: an entry is not as its tool writes it ({type(error).__name__}: {error})",
            "export it again",
        ) from error


def _read_folder(folder: Path) -> list[AnnotatedImage]:
    files = sorted(folder.glob("*.json"))
    if not files:
        raise ReadError(f"{folder}: no JSON file", "name the file that the tool exported")
    return [image for file in files for image in read_annotations(file)]


def _read_json(path: Path, attribute: str | None) -> list[AnnotatedImage]:
    content = _load(path)
    if is_coco(content):
        return read_coco(content)
    if is_labelme(content):
        return [read_labelme(content)]
    if is_via(content):
        return read_via(content, attribute)
    raise ReadError(f"{path}: of no annotation tool that Lamina knows", _KNOWN)


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except json.JSONDecodeError as error:
        raise ReadError(f"{path}, line {error.lineno}: {error.msg}; {_KNOWN}") from error
    except UnicodeDecodeError as error:
        raise ReadError(f"{path}: neither JSON nor XML; {_KNOWN}") from error
