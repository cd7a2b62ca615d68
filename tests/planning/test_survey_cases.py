"""Every kind of data set that Lamina reads is surveyed, and what can't be read is a reason."""

import importlib
import json
import shutil

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from lamina.cases.find import find_cases
from lamina.errors import LaminaError
from lamina.planning.defects import find_defects
from lamina.planning.survey import Thumbnail
from lamina.planning.survey_cases import (
    edge_value,
    source_of,
    stated_modality,
    structures_in,
    survey_cases,
    values_between,
)
from lamina.readers.images import read_image

from .conftest import read_in_ras, volume, write_case


def with_label(root, name, series):
    """Copy a DICOM series, and write a NIfTI label on its grid."""
    shutil.copytree(series, root / "images" / name)
    image, grid = read_image(str(root / "images" / name))
    label = np.zeros(image.shape, np.uint8)
    label[4:9, 3:7, 1:3] = 1
    (root / "masks").mkdir(exist_ok=True)
    nib.Nifti1Image(label, grid.affine).to_filename(root / "masks" / f"{name}.nii.gz")
    return image, label


def test_dicom_series_with_nifti_labels(real_data, tmp_path):
    series = sorted(path for path in (real_data / "hippocampus_dicom").rglob("*") if path.is_dir())
    leaves = [path for path in series if any(one.is_file() for one in path.iterdir())]
    made = [with_label(tmp_path, f"c{number}", path) for number, path in enumerate(leaves)]
    survey = survey_cases(find_cases(tmp_path).labelled)
    assert [one.reason for one in survey.unusable] == []
    assert len(survey.cases) == len(made) > 1
    for one, (image, label) in zip(survey.cases, made, strict=True):
        assert one.source == "DICOM MR"
        assert len(one.orientation) == 3
        assert sorted(one.shape) == sorted(image.shape)
        assert one.structures[1].voxels == label.sum()
        assert one.inside.mean() == pytest.approx(image[label == 1].mean(), rel=1e-5)


def test_a_dicom_segmentation_as_label(real_data, tmp_path):
    shutil.copytree(real_data / "dicom" / "ct_liver", tmp_path / "ct_liver")
    shutil.copy(real_data / "dicom" / "ct_liver_seg.dcm", tmp_path / "ct_liver_seg.dcm")
    (tmp_path / "cases.csv").write_text("image,label\nct_liver,ct_liver_seg.dcm\n")
    survey = survey_cases(find_cases(tmp_path).labelled)
    (one,) = survey.cases
    assert one.source == "DICOM CT"
    assert one.patient
    assert one.structures.keys() == {1}


def test_pictures_of_colours_palettes_and_sizes(tmp_path):
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    modes = ("L", "RGB", "RGBA", "P", "1", "I;16")
    for number, mode in enumerate(modes):
        size = (40 + number, 30)
        picture = Image.fromarray(
            np.random.default_rng(number).integers(0, 255, size[::-1], np.uint8)
        )
        picture = picture.convert("I").convert("I;16") if mode == "I;16" else picture.convert(mode)
        picture.save(tmp_path / "images" / f"{number}.png")
        mask = np.zeros(size[::-1], np.uint8)
        mask[5:9, 7:20] = 1
        Image.fromarray(mask).save(tmp_path / "masks" / f"{number}.png")
    survey = survey_cases(find_cases(tmp_path).labelled)
    assert [one.shape for one in survey.cases] == [(40 + n, 30) for n in range(len(modes))]
    assert {one.structures[1].voxels for one in survey.cases} == {4 * 13}


def test_thumbnails_are_drawn_on_the_image_s_own_grid(volumes, monkeypatch):
    seen = []

    def make_thumbnail(image, label, grid):
        seen.append((image.shape, label.shape, grid.shape))
        return Thumbnail(np.zeros((1, 1), np.uint8), label[:1, :1, 0])

    module = importlib.import_module("lamina.planning.survey_cases")
    monkeypatch.setattr(module, "make_thumbnail", make_thumbnail)
    survey = survey_cases(find_cases(volumes).labelled)
    assert seen == [((22, 26, 12),) * 3] * 10
    assert all(one.thumbnail is not None for one in survey.cases)


def test_a_case_whose_label_can_not_be_used_still_has_a_picture(volumes):
    image, _ = volume(3)
    write_case(volumes, "odd", image, np.zeros((5, 6, 7), np.uint8))
    broken = volumes / "imagesTr" / "case_4.nii.gz"
    broken.write_bytes(broken.read_bytes()[:100])
    survey = survey_cases(find_cases(volumes).labelled)
    thumbnails = {one.files.name: one.thumbnail for one in survey.unusable}
    assert thumbnails["odd"] is not None
    assert thumbnails["case_4"] is None


def test_a_label_that_is_far_too_large_is_not_read(tmp_path):
    """Its header alone tells that it does not fit; on disk it has no voxel at all."""
    write_case(tmp_path, "a", *volume(1))
    path = tmp_path / "labelsTr" / "a.nii.gz"
    path.unlink()
    header = nib.Nifti1Header()
    header.set_data_shape((20_000, 20_000, 20_000))
    header["vox_offset"] = 352
    header.set_data_dtype(np.uint8)
    (tmp_path / "labelsTr" / "a.nii").write_bytes(header.binaryblock + b"\0\0\0\0")
    survey = survey_cases(find_cases(tmp_path).labelled)
    (one,) = survey.unusable
    assert "20000×20000×20000" in one.reason or "complete" in one.reason
    assert find_defects(survey)


def test_axes_are_turned_alike_for_image_and_label(volumes):
    case = find_cases(volumes).labelled[0]
    image, label = read_in_ras(case)
    assert image.shape == label.shape == (26, 22, 12)
    assert image[label == 2].mean() > image[label == 1].mean() > image[label == 0].mean()


def test_a_missing_file_is_a_reason(volumes):
    dataset = find_cases(volumes)
    (volumes / "imagesTr" / "case_0.nii.gz").unlink()
    survey = survey_cases(dataset.labelled)
    assert [one.files.name for one in survey.unusable] == ["case_0"]
    with pytest.raises(LaminaError):
        read_in_ras(survey.unusable[0].files)


def test_colours_are_told_from_grey_that_is_stored_as_colours(tmp_path):
    grey = np.random.default_rng(0).integers(0, 255, (40, 50, 1), np.uint8).repeat(3, axis=2)
    colours = grey.copy()
    colours[10:30, 10:30] = (200, 30, 30)
    for name, values in (("grey", grey), ("colour", colours), ("flat", grey[..., 0])):
        Image.fromarray(values).save(tmp_path / f"{name}.png")
    assert source_of(str(tmp_path / "grey.png")) == "picture, grey"
    assert source_of(str(tmp_path / "flat.png")) == "picture, grey"
    assert source_of(str(tmp_path / "colour.png")) == "picture, colour"


def test_volumes(tmp_path):
    nib.Nifti1Image(np.zeros((3, 4, 5), np.uint8), np.eye(4)).to_filename(tmp_path / "a.nii.gz")
    assert source_of(str(tmp_path / "a.nii.gz")) == "NIfTI"


def test_dicom_says_its_modality(real_data):
    assert source_of(str(real_data / "dicom" / "ct_liver")) == "DICOM CT"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"modality": {"0": "MRI"}}, "MRI"),
        ({"channel_names": {"0": "CT"}}, "CT"),
        ({"modality": "US"}, "US"),
        ({}, ""),
    ],
)
def test_what_the_data_set_says_of_itself(tmp_path, content, text):
    (tmp_path / "dataset.json").write_text(json.dumps(content))
    assert stated_modality(tmp_path) == text


def test_sizes_parts_and_centres():
    label = np.zeros((10, 20, 30), np.int32)
    label[2:4, 5:9, 6:12] = 4
    label[7, 15, 25] = 4
    label[0, 0, 0] = 9
    found = structures_in(label, 0)
    assert found.keys() == {4, 9}
    assert (found[4].voxels, found[4].components) == (2 * 4 * 6 + 1, 2)
    assert found[9].centre == (0, 0, 0)
    where = np.argwhere(label == 4).mean(axis=0) / label.shape
    assert found[4].centre == pytest.approx(where)


def test_parts_that_touch_by_a_corner_are_two():
    label = np.eye(2, dtype=np.int32)
    assert structures_in(label, 0)[1].components == 2


def test_the_edge_is_that_of_each_slice():
    label = np.zeros((6, 7, 3), np.int32)
    label[1:-1, 1:-1] = 5
    label[..., 0] = 5
    assert edge_value(label) == 0
    assert edge_value(label[..., 0]) == 5


def test_a_smooth_ramp_has_values_between_and_a_step_none():
    ramp = np.zeros((20, 20), np.int32)
    ramp[10:] = 200
    assert values_between(ramp) == ()
    ramp[10] = 90
    assert values_between(ramp) == (90,)
