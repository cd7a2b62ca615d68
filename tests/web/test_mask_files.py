from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from lamina.cases.find import find_cases
from lamina.errors import DataError, ReadError
from lamina.readers.images import read_grid, read_label
from lamina.web.mask_files import (
    BINARY,
    codings,
    encode,
    mask_path,
    read_mask,
    write_picture,
    write_slice,
)


def picture(path, size=(7, 5)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size).save(path)


def volume(path, shape=(4, 5, 6)):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(np.zeros(shape, np.int16), np.diag([-2.0, 3, 1, 1])), path)


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (["images/a.png"], "masks/a.png"),
        (["images/a.png", "labels/b.png", "images/b.png"], "labels/a.png"),
        (["train/images/a.png"], "train/masks/a.png"),
        (["images/train/a.png"], "masks/train/a.png"),
        (["imagesTr/a_0000.png"], "labelsTr/a.png"),
        (["a.png"], "a_mask.png"),
        (["eye 1/a.png"], "eye 1/a_mask.png"),
        (["a.jpg"], "a_mask.png"),
    ],
)
def test_a_new_mask_lies_where_it_is_found(tmp_path, images, expected):
    for name in images:
        picture(tmp_path / name)
    cases = find_cases(tmp_path).cases
    case = next(one for one in cases if one.label is None)
    place = mask_path(case, cases, tmp_path, is_volume=False)
    assert place == tmp_path / expected
    write_picture(place, np.zeros((7, 5), np.uint8))
    found = {one.image: one.label for one in find_cases(tmp_path).cases}
    assert found[case.image] == str(place)


@pytest.mark.parametrize("name", ["imagesTr/a.nii.gz", "images/a.nii", "scan.nii.gz"])
def test_so_does_that_of_a_volume(tmp_path, name):
    volume(tmp_path / name)
    (case,) = find_cases(tmp_path).cases
    place = mask_path(case, [case], tmp_path, is_volume=True)
    write_slice(place, read_grid(case.image), 2, np.ones((4, 5), np.uint8))
    (found,) = find_cases(tmp_path).cases
    assert found.label == str(place)


def test_a_mask_that_is_there_is_written_over(tmp_path):
    picture(tmp_path / "images" / "a.png")
    picture(tmp_path / "masks" / "a.png")
    (case,) = find_cases(tmp_path).cases
    assert mask_path(case, [case], tmp_path, False) == tmp_path / "masks" / "a.png"
    picture(tmp_path / "images" / "b.png")
    picture(tmp_path / "masks" / "b.bmp")
    cases = find_cases(tmp_path).cases
    with pytest.raises(DataError, match=r"b.bmp: masks are written as .png"):
        mask_path(cases[1], cases, tmp_path, False)


def test_masks_are_stored_as_the_task_reads_them(tmp_path):
    values = np.array([[0, 1], [2, 2], [1, 0]], np.uint8)
    table = {"0": 0, "30": 1, "60": 2, "61": 2}
    assert encode(values, table).tolist() == [[0, 30], [60, 60], [30, 0]]
    for name, coding in codings(3, table).items():
        if name == "binary":
            continue
        write_picture(tmp_path / f"{name}.png", encode(values, coding))
        back, _ = read_label(tmp_path / f"{name}.png", coding)
        np.testing.assert_array_equal(back, values)
    assert encode(values.clip(0, 1), BINARY).max() == 255
    with pytest.raises(DataError, match="class 2 can't be stored as 0, 255"):
        encode(values, BINARY)


def test_colours_are_no_coding_of_grey_masks():
    assert "task" not in codings(2, {"#000000": 0, "#ff0000": 1})


def test_an_absent_mask_is_empty_and_a_strange_one_an_error(tmp_path):
    picture(tmp_path / "a.png")
    grid = read_grid(str(tmp_path / "a.png"))
    assert read_mask(tmp_path / "m.png", grid, BINARY).shape == (7, 5)
    Image.new("L", (7, 5), 3).save(tmp_path / "m.png")
    with pytest.raises(ReadError, match="values 3 are not among 0, 255"):
        read_mask(tmp_path / "m.png", grid, BINARY)
    picture(tmp_path / "small.png", (5, 7))
    with pytest.raises(DataError, match=r"small.png: 5×7, but its image has 7×5"):
        read_mask(tmp_path / "small.png", grid, BINARY)


def test_one_slice_is_written_and_the_others_stay(tmp_path):
    volume(tmp_path / "a.nii.gz")
    grid = read_grid(str(tmp_path / "a.nii.gz"))
    before = np.random.default_rng(0).integers(0, 300, (4, 5, 6)).astype(np.uint16)
    nib.save(nib.Nifti1Image(before, grid.affine), tmp_path / "m.nii.gz")
    codes = np.arange(20, dtype=np.uint8).reshape(4, 5)
    write_slice(tmp_path / "m.nii.gz", grid, 3, codes)
    image = nib.load(tmp_path / "m.nii.gz")
    after = np.asarray(image.dataobj)
    np.testing.assert_array_equal(after[..., 3], codes)
    np.testing.assert_array_equal(np.delete(after, 3, 2), np.delete(before, 3, 2))
    np.testing.assert_array_equal(image.affine, grid.affine)
    assert not list(Path(tmp_path).glob(".part*"))
