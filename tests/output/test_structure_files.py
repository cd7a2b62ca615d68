import numpy as np
import pytest
from PIL import Image

from lamina.errors import GeometryError
from lamina.output.predicted_case import PredictedCase
from lamina.output.structure_files import write_structures
from lamina.tasks import Label

LABELS = (
    Label(0, "background", (0, 0, 0)),
    Label(1, "GCL+IPL", (255, 0, 0)),
    Label(2, "GCL IPL", (0, 255, 0)),
    Label(3, "none", (0, 0, 255)),
)


def make(label):
    return PredictedCase("eye", "eye.png", label[None], label, np.eye(4), False, LABELS)


def test_each_structure_is_a_picture(tmp_path):
    label = np.zeros((7, 5), np.uint8)
    label[3, 1], label[4:6, 2] = 1, 2
    files = write_structures(make(label), tmp_path)
    assert {path.parent.name for path in files} == {"eye_structures"}
    assert len({path.name for path in files}) == 3
    assert files[2].name == "none.png"
    for value, path in enumerate(files, 1):
        pixels = np.asarray(Image.open(path)).T
        np.testing.assert_array_equal(pixels, 255 * (label == value))


def test_a_volume_is_refused(tmp_path):
    with pytest.raises(GeometryError, match="eye: a volume"):
        write_structures(make(np.zeros((3, 4, 5), np.uint8)), tmp_path)
    assert not any(tmp_path.iterdir())
