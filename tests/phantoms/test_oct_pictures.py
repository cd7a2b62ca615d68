import json

import numpy as np
import pytest
from PIL import Image

from lamina.errors import ConfigError, DataError
from lamina.phantoms.anatomy import EIGHT_LAYERS
from lamina.phantoms.oct import make_oct_volume
from lamina.phantoms.oct_pictures import THIRTEEN_LAYERS, write_oct_pictures

SMALL = {"size": (30, 400), "spacing": (60.0, 2.4)}


def read(path):
    """The picture as (columns, rows)."""
    return np.asarray(Image.open(path)).T


def test_layout_and_names(tmp_path):
    folder = write_oct_pictures(tmp_path / "oct", train=2, test=1, **SMALL)
    found = {str(path.relative_to(folder)) for path in folder.rglob("*.*")}
    assert found == {
        "phantoms.json",
        *(f"train/{part}/oct_00{n}.png" for part in ("images", "masks") for n in (0, 1)),
        *(f"test/{part}/oct_002.png" for part in ("images", "masks")),
    }
    assert json.loads((folder / "phantoms.json").read_text())["train"] == 2


def test_pictures_are_those_of_the_volume(tmp_path):
    folder = write_oct_pictures(tmp_path / "oct", train=1, test=1, seed=3, membrane=0, **SMALL)
    steps = (*SMALL["spacing"], 120.0)
    volume = make_oct_volume((3, 1), shape=(30, 400, 1), spacing=steps, layers=THIRTEEN_LAYERS)
    np.testing.assert_array_equal(read(folder / "test/images/oct_001.png"), volume.image[0, ..., 0])
    np.testing.assert_array_equal(read(folder / "test/masks/oct_001.png"), volume.label[0, ..., 0])


def test_the_membrane_is_a_line_at_the_surface(tmp_path):
    plain = write_oct_pictures(tmp_path / "a", train=1, test=0, membrane=0, **SMALL)
    lined = write_oct_pictures(tmp_path / "b", train=1, test=0, membrane=12.0, **SMALL)
    without = read(plain / "train/masks/oct_000.png")
    with_it = read(lined / "train/masks/oct_000.png")
    line = with_it == 1
    assert set(line.sum(axis=1)) == {5}  # 12 µm in steps of 2.4 µm
    np.testing.assert_array_equal(with_it[~line], (without + (without > 0))[~line])
    top = line.argmax(axis=1)
    assert (without[np.arange(30), top] > 0).all()
    assert (without[np.arange(30), top - 1] == 0).all()


def test_codes_stand_in_all_masks(tmp_path):
    codes = [0, 200, 190, 17, 250, 3, 77, 91, 110, 5]
    layers = EIGHT_LAYERS
    coded = write_oct_pictures(tmp_path / "a", train=2, test=1, codes=codes, layers=layers, **SMALL)
    plain = write_oct_pictures(tmp_path / "b", train=2, test=1, layers=layers, **SMALL)
    for path in coded.glob("*/masks/*.png"):
        classes = read(plain / path.relative_to(coded))
        np.testing.assert_array_equal(read(path), np.array(codes)[classes])


def test_a_picture_depends_on_seed_and_number_only(tmp_path):
    few = write_oct_pictures(tmp_path / "few", train=1, test=1, **SMALL)
    more = write_oct_pictures(tmp_path / "more", train=2, test=0, **SMALL)
    other = write_oct_pictures(tmp_path / "other", train=1, test=1, seed=1, **SMALL)
    second = read(few / "test/images/oct_001.png")
    np.testing.assert_array_equal(second, read(more / "train/images/oct_001.png"))
    assert (second != read(other / "test/images/oct_001.png")).any()


def test_a_second_call_does_nothing_and_another_is_refused(tmp_path):
    folder = write_oct_pictures(tmp_path / "oct", train=1, test=0, **SMALL)
    before = (folder / "train/images/oct_000.png").stat().st_mtime_ns
    write_oct_pictures(folder, train=1, test=0, **SMALL)
    assert (folder / "train/images/oct_000.png").stat().st_mtime_ns == before
    with pytest.raises(DataError, match="other parameters: train 1, not 2"):
        write_oct_pictures(folder, train=2, test=0, **SMALL)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"train": 0}, "train 0"),
        ({"seed": -1}, "seed -1"),
        ({"codes": [0, 1]}, "expected 14 different values"),
        ({"codes": [0, *range(13)]}, "expected 14 different values"),
        ({"codes": [*range(13), 256]}, "from 0 to 255"),
    ],
)
def test_wrong_parameters_are_named(tmp_path, wrong, message):
    with pytest.raises(ConfigError, match=message):
        write_oct_pictures(tmp_path / "oct", **SMALL, **wrong)
    assert not (tmp_path / "oct").exists()
