import numpy as np
import pytest
from PIL import Image

from lamina.errors import DataError, ReadError
from lamina.prepare.learn_label_values import learn_values, mask_files
from lamina.readers.images import read_label


def write(path, codes):
    """Write a mask given as (columns, rows)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(codes, np.uint8).T).save(path)
    return path


def layered(*codes, background=0):
    """A mask of 7 columns whose rows are: background, two rows of each code, background."""
    rows = [background, *(code for code in codes for _ in range(2)), background]
    return np.tile(rows, (7, 1))


def test_a_class_that_one_mask_lacks_shifts_no_other(tmp_path):
    masks = [
        write(tmp_path / "a.png", layered(30, 60, 90)),
        write(tmp_path / "b.png", layered(30, 90)),
    ]
    learned = learn_values(masks, 4)
    assert [(one.code, one.value, one.masks) for one in learned] == [
        (0, 0, 2),
        (30, 1, 2),
        (60, 2, 1),
        (90, 3, 2),
    ]
    assert sum(one.fraction for one in learned) == pytest.approx(1)
    assert learned[2].fraction == pytest.approx(2 * 7 / (8 * 7 + 6 * 7))


def test_a_background_that_is_not_the_smallest_is_in_doubt_until_it_is_named(tmp_path):
    masks = [write(tmp_path / "a.png", layered(0, 30, background=240))]
    with pytest.raises(
        DataError,
        match="edges show mostly 240.*unclear which of them is the background\n.*--background 240",
    ):
        learn_values(masks, 3)
    assert [one.code for one in learn_values(masks, 3, background=240)] == [240, 0, 30]
    assert [one.code for one in learn_values(masks, 3, background=0)] == [0, 30, 240]
    with pytest.raises(DataError, match="background 7: no mask has that value\n.*0, 30, 240"):
        learn_values(masks, 3, background=7)


@pytest.mark.parametrize("classes", [2, 4])
def test_other_than_one_value_a_class_is_refused(tmp_path, classes):
    masks = [write(tmp_path / "a.png", layered(30, 60))]
    with pytest.raises(DataError, match=f"3 different values 0, 30, 60, expected {classes}"):
        learn_values(masks, classes)


def test_masks_in_colours_are_refused(tmp_path):
    Image.new("RGB", (4, 5), (255, 0, 0)).save(tmp_path / "a.png")
    with pytest.raises(ReadError, match="a mask in colours"):
        learn_values([tmp_path / "a.png"], 2)


def test_masks_of_a_data_set_or_of_a_folder_of_masks(tmp_path):
    write(tmp_path / "train/images/a.png", layered(9))
    mask = write(tmp_path / "train/masks/a.png", layered(30))
    assert mask_files(tmp_path) == [mask]
    alone = write(tmp_path / "alone/b.png", layered(30))
    assert mask_files(tmp_path / "alone") == [alone]
    assert mask_files(tmp_path / "train" / "masks") == [mask]


def test_the_real_masks_are_read_with_what_was_learned(real_data):
    masks = mask_files(real_data / "oct_layers")
    assert len(masks) == 3
    with pytest.raises(DataError, match="--background 240"):
        learn_values(masks, 9)
    learned = learn_values(masks, 9, background=240)
    assert [one.code for one in learned] == [240, 0, 30, 60, 90, 120, 150, 180, 210]
    values = {str(one.code): one.value for one in learned}
    label, _ = read_label(masks[0], values)
    assert (label[:, 0] == 0).all()  # vitreous at the top
    assert set(np.unique(label)) <= set(range(9))
    del values["60"]
    with pytest.raises(ReadError, match=f"{masks[0].name}: values 60 are not among"):
        read_label(masks[0], values)
