import json

import numpy as np
import pytest
from PIL import Image

from lamina.annotations.draw import covered
from lamina.annotations.shapes import Shape


@pytest.fixture
def picture(tmp_path):
    """Write a grey picture of 40 columns and 30 rows below images/."""

    def write(name="a.png", size=(40, 30)):
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        grey = (np.add.outer(np.arange(size[1]) * 3, np.arange(size[0])) % 256).astype(np.uint8)
        Image.fromarray(grey).save(path)
        return path

    return write


@pytest.fixture
def save(tmp_path):
    def write(content, name="export.json"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


@pytest.fixture
def pixels():
    """The pixels that a shape covers, as {(column, row)}."""

    def read(shape, size=(40, 30), line_width=3.0):
        region = shape.region if isinstance(shape, Shape) else shape
        return set(zip(*(axis.tolist() for axis in np.nonzero(covered(region, size, line_width)))))

    return read


@pytest.fixture
def block():
    """All pixels from one column and row up to, without, another."""

    def make(left, top, right, bottom):
        return {(x, y) for x in range(left, right) for y in range(top, bottom)}

    return make
