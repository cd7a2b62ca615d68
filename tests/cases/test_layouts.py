"""What folders and file names say."""

from pathlib import Path

import pytest

from lamina.cases.layouts import (
    Place,
    describe_layout,
    give_roles,
    read_place,
    without_label_ending,
)

ROOT = Path("/data/set")


def place(path):
    return read_place(str(ROOT / path), ROOT)


@pytest.mark.parametrize(
    ("path", "role", "split", "key"),
    [
        ("imagesTr/a.nii.gz", "image", "training", "a"),
        ("labelsTr/a.nii.gz", "label", "training", "a"),
        ("imagesTs/a_0000.nii.gz", "image", "test", "a_0000"),
        ("labelsts/a.nii.gz", "label", "test", "a"),
        ("imagesVa/a.nii.gz", "image", "validation", "a"),
        ("images/a.png", "image", None, "a"),
        ("Images/a.PNG", "image", None, "a"),
        ("img/a.png", "image", None, "a"),
        ("masks/a.png", "label", None, "a"),
        ("labels/a.png", "label", None, "a"),
        ("annotations/a.png", "label", None, "a"),
        ("lung_masks/a.png", "label", None, "a"),
        ("Left Mask/a.png", "label", None, "a"),
        ("train/images/a.png", "image", "training", "a"),
        ("images/train/a.png", "image", "training", "a"),
        ("val/masks/a.png", "label", "validation", "a"),
        ("masks/validation/a.png", "label", "validation", "a"),
        ("TEST/labels/a.png", "label", "test", "a"),
        ("images/P1/left/a.png", "image", None, "P1/left/a"),
        ("P1/masks/a.png", "label", None, "P1/a"),
        ("a.png", None, None, "a"),
        ("train/a.png", None, "training", "a"),
        ("imaging/a.png", None, None, "imaging/a"),
        ("images/case1.dcm", "image", None, "case1"),
    ],
)
def test_each_layout(path, role, split, key):
    found = place(path)
    assert (found.role, found.split, found.key) == (role, split, key)


def test_the_folder_nearest_to_the_file_decides():
    found = place("heart_segmentation/test/images/a.png")
    assert (found.role, found.split) == ("image", "test")
    assert found.key == "heart_segmentation/a"
    assert found.folder == "images"


def test_folders_above_the_root_say_nothing():
    root = Path("/labels/test")
    found = read_place("/labels/test/images/a.png", root)
    assert (found.role, found.split) == ("image", None)


def test_a_series_is_named_by_its_folder():
    found = place("images/case1")
    assert (found.role, found.key) == ("image", "case1")


@pytest.mark.parametrize("ending", ["_mask", "-seg", "_label", "_Labels", "_segmentation"])
def test_without_folders_the_ending_decides(ending):
    flat = [place("a.png"), place(f"a{ending}.png")]
    assert [(one.role, one.key) for one in give_roles(flat)] == [("image", "a"), ("label", "a")]


def test_3d_slicers_segmentations_are_labels():
    flat = [place("a.nrrd"), place("a.seg.nrrd")]
    assert [(one.role, one.key) for one in give_roles(flat)] == [("image", "a"), ("label", "a")]


def test_an_ending_is_no_part_of_a_word():
    (one,) = give_roles([place("unmask.png")])
    assert one.role == "image"


def test_beside_a_folder_of_labels_all_else_is_images():
    found = give_roles([place("a_mask.png"), place("masks/a_mask.png")])
    assert [one.role for one in found] == ["image", "label"]
    assert found[0].key == "a_mask"


def test_endings_are_cut_off():
    assert without_label_ending("P1/a_mask") == "P1/a"
    assert without_label_ending("mask_a") == "mask_a"


def test_the_layout_is_described():
    folders = [place("imagesTr/a.nii"), place("labelsTr/a.nii"), place("imagesTs/b.nii")]
    assert describe_layout(folders) == "images in imagesTr/, imagesTs/, labels in labelsTr/"
    flat = give_roles([place("a.png"), place("a_seg.png")])
    assert describe_layout(flat) == "images beside them, labels by the ending of their names"
    assert describe_layout([Place("a", "a", "image", None, "images")]) == (
        "images in images/, no labels"
    )


def test_one_of_several_series_in_the_root_itself_is_an_image():
    place = read_place(f"{ROOT}#1.2.3:1", ROOT)
    assert (place.role, place.split, place.key) == (None, None, "#1.2.3:1")
