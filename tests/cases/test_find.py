"""Every image below a folder."""

import os

import numpy as np
import pytest

from lamina.cases import describe
from lamina.cases.find import find_cases, find_images
from lamina.cases.inputs import find_inputs
from lamina.errors import DataError


@pytest.fixture
def put(write_picture, tmp_path):
    def put(*names):
        for name in names:
            write_picture(tmp_path / name)
        return tmp_path

    return put


def pairs(found):
    root = found.root
    return {
        case.name: (
            case.image.removeprefix(f"{root}/"),
            case.label and case.label.removeprefix(f"{root}/"),
            case.split,
        )
        for case in found.cases
    }


@pytest.mark.parametrize("masks", ["masks", "labels", "annotations"])
def test_images_beside_masks(put, masks):
    found = find_cases(put("images/a.png", "images/b.png", f"{masks}/a.png", f"{masks}/b.png"))
    assert pairs(found)["a"] == ("images/a.png", f"{masks}/a.png", None)
    assert len(found.labelled) == 2
    assert not found.problems


def test_train_and_test_above(put):
    found = find_cases(
        put("train/images/a.png", "train/masks/a.png", "test/images/b.png", "test/masks/b.png")
    )
    assert sorted(split for _, _, split in pairs(found).values()) == ["test", "training"]


def test_decathlon_and_nnunet_names(tmp_path, write_nifti, volume):
    for name in (
        "imagesTr/a.nii.gz",
        "labelsTr/a.nii.gz",
        "imagesTr/b_0000.nii.gz",
        "labelsTr/b.nii.gz",
    ):
        write_nifti(tmp_path / name, volume)
    found = find_cases(tmp_path)
    assert [case.label is not None for case in found.cases] == [True, True]


def test_flat_folder_with_suffixes(put):
    found = find_cases(put("a.png", "a_mask.png", "b.png", "b_seg.png"))
    assert {name: label for name, (_, label, _) in pairs(found).items()} == {
        "a": "a_mask.png",
        "b": "b_seg.png",
    }


def test_a_list_in_csv(put):
    root = put("x/a.png", "y/m.png")
    (root / "cases.csv").write_text("image,label,patient,split\nx/a.png,y/m.png,P7,test\n")
    (case,) = find_cases(root).cases
    assert (case.patient, case.split) == ("P7", "test")
    assert case.label.endswith("y/m.png")


def test_what_has_no_partner_is_named_and_the_rest_stays(put):
    found = find_cases(put("images/a.png", "images/b.png", "masks/a.png", "masks/c.png"))
    text = "\n".join(found.problems)
    assert "images/b.png: an image without a label" in text
    assert "masks/c.png: a label without an image" in text
    assert [case.name for case in found.labelled] == ["a"]
    assert text.count("→") == 2


def test_nothing_and_nowhere(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        find_cases(tmp_path / "none")
    with pytest.raises(DataError, match="no image"):
        find_cases(tmp_path)


def test_patients_by_a_pattern(put):
    root = put("images/p1_a.png", "images/p1_b.png", "masks/p1_a.png", "masks/p1_b.png")
    found = find_cases(root, patient_pattern=r"(p\d+)_")
    assert {case.patient for case in found.cases} == {"p1"}


def test_inference_takes_any_depth_and_unique_names(put, write_series, volume, oblique):
    root = put("a/x.png", "b/x.png", "deep/er/y.png")
    write_series(root / "dicom", volume, oblique)
    (root / "notes.txt").write_text("hello")
    found = find_inputs(root)
    assert len(found.cases) == 4
    assert len({case.name for case in found.cases}) == 4
    assert all("/" not in case.name for case in found.cases)
    assert any("notes.txt" in path for path, _ in found.skipped)


class TestReal:
    def test_hippocampus(self, data):
        found = find_cases(data / "hippocampus")
        assert len(found.labelled) == len(found.cases) == 204
        assert not found.problems

    def test_unpaired(self, data):
        found = find_cases(data / "hippocampus_unpaired")
        assert len(found.cases) == 1
        assert len(found.problems) == 3

    def test_two_mask_folders_are_not_taken_silently(self, data):
        found = find_cases(data / "chest_xray")
        assert (len(found.cases), len(found.labelled)) == (44, 0)
        assert "left_mask/, right_mask/" in found.problems[0]

    def test_oct_layers(self, data):
        text = describe(find_cases(data / "oct_layers"))
        assert "4 (3 .png, 1 .bmp)" in text
        assert "0, 30, 60, 90, 120, 150, 180, 210, 240" in text
        assert "im1000.bmp: an image without a label" in text


def test_describe_tells_sizes_and_spacing(tmp_path, write_nifti, volume, oblique):
    for part in ("imagesTr", "labelsTr"):
        write_nifti(tmp_path / part / "a.nii.gz", (volume % 2).astype(np.uint8), oblique)
    text = describe(find_cases(tmp_path))
    assert "5 × 7 × 9" in text
    assert "0.5 × 0.75 × 2 mm" in text


def relative(found, root):
    return [address.removeprefix(f"{root}/") for address in found.sources]


def test_files_and_series_are_found_at_any_depth(tmp_path, write_picture, write_series, volume):
    write_picture(tmp_path / "b" / "x.PNG")
    write_picture(tmp_path / "a.tif")
    write_series(tmp_path / "b" / "c" / "s", volume, np.eye(4))
    found = find_images(tmp_path)
    assert relative(found, tmp_path) == ["a.tif", "b/x.PNG", "b/c/s"]
    assert found.unread == found.others == ()


def test_other_files_are_returned_and_hidden_ones_left_alone(tmp_path, write_picture):
    for name in ("notes.txt", ".DS_Store", "._a.nii.gz"):
        (tmp_path / name).write_text("text")
    write_picture(tmp_path / ".hidden" / "a.png")
    found = find_images(tmp_path)
    assert found.sources == ()
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
    assert len(find_images(tmp_path).sources) == 1


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
    assert found.sources == ()
    assert "a DICOM object without an image" in found.unread[0].reason
    assert not found.unread[0].broken


def test_every_real_file_is_an_image_a_problem_or_another(data):
    found = find_images(data / "dicom")
    assert len(found.sources) == 13
    assert [file.path.name for file in found.unread] == ["ct_liver_seg.dcm"]
    assert found.others == ()


@pytest.mark.parametrize("folder", ["hippocampus", "oct_layers"])
def test_real_folders_hold_nothing_strange(data, folder):
    found = find_images(data / folder)
    assert found.unread == ()
    assert {path.name for path in found.others} <= {"dataset.json"}
