"""Every image below a folder."""

import os

import numpy as np
import pytest

from lamina.cases.found_images import find_images


def relative(found, root):
    return [address.removeprefix(f"{root}/") for address in found.addresses]


def test_files_and_series_are_found_at_any_depth(tmp_path, write_picture, write_series, volume):
    write_picture(tmp_path / "b" / "x.PNG")
    write_picture(tmp_path / "a.tif")
    write_series(tmp_path / "b" / "c" / "s", volume, np.eye(4))
    found = find_images(tmp_path)
    assert relative(found, tmp_path) == ["a.tif", "b/x.PNG", "b/c/s"]
    assert found.problems == found.others == ()


def test_other_files_are_returned_and_hidden_ones_left_alone(tmp_path, write_picture):
    for name in ("notes.txt", ".DS_Store", "._a.nii.gz"):
        (tmp_path / name).write_text("text")
    write_picture(tmp_path / ".hidden" / "a.png")
    found = find_images(tmp_path)
    assert found.addresses == ()
    assert found.others == (tmp_path / "notes.txt",)


def test_the_data_of_a_metaimage_is_part_of_it(tmp_path):
    for name in ("a.mhd", "a.zraw", "b.mhd", "b.raw", "c.raw"):
        (tmp_path / name).write_text("text")
    found = find_images(tmp_path)
    assert relative(found, tmp_path) == ["a.mhd", "b.mhd"]
    assert found.others == (tmp_path / "c.raw",)


def test_links_in_a_loop_end(tmp_path, write_picture):
    write_picture(tmp_path / "a" / "x.png")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert len(find_images(tmp_path).addresses) == 1


def test_a_linked_folder_is_followed(tmp_path, write_picture, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("data")
    write_picture(elsewhere / "x.png")
    (tmp_path / "images").symlink_to(elsewhere)
    assert relative(find_images(tmp_path), tmp_path) == ["images/x.png"]


def test_dead_links_and_pipes_are_others_and_block_nothing(tmp_path):
    (tmp_path / "dead").symlink_to(tmp_path / "none")
    os.mkfifo(tmp_path / "pipe")
    assert set(find_images(tmp_path).others) == {tmp_path / "dead", tmp_path / "pipe"}


def test_dicom_that_is_no_image_is_a_problem(tmp_path, write_dicom):
    pixels = np.zeros((3, 4), np.uint8)
    write_dicom(tmp_path / "seg", pixels, SOPClassUID="1.2.840.10008.5.1.4.1.1.66.4")
    found = find_images(tmp_path)
    assert found.addresses == ()
    assert "a DICOM object without an image" in found.problems[0]


def test_every_real_file_is_an_image_a_problem_or_another(data):
    found = find_images(data / "dicom")
    assert len(found.addresses) == 13
    assert [text.split(": ")[0].rsplit("/", 1)[1] for text in found.problems] == [
        "ct_liver_seg.dcm"
    ]
    assert found.others == ()


@pytest.mark.parametrize("folder", ["hippocampus", "oct_layers"])
def test_real_folders_hold_nothing_strange(data, folder):
    found = find_images(data / folder)
    assert found.problems == ()
    assert {path.name for path in found.others} <= {"dataset.json"}
