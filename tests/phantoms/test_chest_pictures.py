import numpy as np
import pytest
from PIL import Image

from lamina.errors import ConfigError, DataError
from lamina.phantoms.chest import make_chest_xray
from lamina.phantoms.chest_pictures import write_chest_pictures
from lamina.readers.images import read_image

SMALL = {"cases": 4, "size": (40, 50)}


def read(path):
    """The picture as (columns, rows)."""
    return np.asarray(Image.open(path)).T


def test_the_layout_of_montgomery_and_the_data_set(tmp_path):
    made = write_chest_pictures(tmp_path / "cxr", **SMALL)
    assert made == tmp_path / "cxr" / "dataset"
    parts = [
        "raw/CXR_png",
        "raw/ManualMask/leftMask",
        "raw/ManualMask/rightMask",
        "dataset/images",
        "dataset/masks",
    ]
    for part in parts:
        names = sorted(path.name for path in (tmp_path / "cxr" / part).iterdir())
        assert names == [f"cxr_00{number}.png" for number in range(4)]


def test_every_kind_of_picture_reads_as_the_same_grey(tmp_path):
    made = write_chest_pictures(tmp_path / "cxr", **SMALL)
    modes = []
    for number in range(4):
        path = made / "images" / f"cxr_00{number}.png"
        modes.append(Image.open(path).mode)
        grey, grid = read_image(str(path))
        truth = make_chest_xray((0, number), grid.shape)
        scale = 65535 if modes[-1] == "I;16" else 255
        np.testing.assert_allclose(grey / scale, truth.image, atol=1.01 / 255)
    assert modes == ["L", "RGB", "RGBA", "I;16"]


@pytest.mark.parametrize("sides", [False, True])
def test_masks_are_the_truth_joined_or_kept_apart(tmp_path, sides):
    made = write_chest_pictures(tmp_path / "cxr", sides=sides, **SMALL)
    mask = read(made / "masks" / "cxr_001.png")
    truth = make_chest_xray((0, 1), mask.shape)
    np.testing.assert_array_equal(mask, truth.left + (2 if sides else 1) * truth.right)
    raw = read(tmp_path / "cxr/raw/ManualMask/leftMask/cxr_001.png")
    np.testing.assert_array_equal(raw, 255 * truth.left)


def test_sizes_differ(tmp_path):
    made = write_chest_pictures(tmp_path / "cxr", **SMALL)
    sizes = {Image.open(path).size for path in (made / "images").iterdir()}
    assert len(sizes) == 4
    assert all(40 <= columns <= 50 and 50 <= rows <= 63 for columns, rows in sizes)


def test_other_parameters_are_refused(tmp_path):
    write_chest_pictures(tmp_path / "cxr", **SMALL)
    write_chest_pictures(tmp_path / "cxr", **SMALL)
    with pytest.raises(DataError, match="sides False, not True"):
        write_chest_pictures(tmp_path / "cxr", sides=True, **SMALL)
    with pytest.raises(ConfigError, match="cases 0"):
        write_chest_pictures(tmp_path / "none", cases=0)
