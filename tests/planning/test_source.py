import json

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from lamina.planning.source import source_of, stated_modality


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
