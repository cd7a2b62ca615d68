import json

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from lamina.cases.find import find_cases
from lamina.planning.survey_cases import survey_cases, to_ras
from lamina.readers.images import read_image, read_label

FLIPPED = np.array([[0.1, -1.5, 0, 20], [-1.0, 0.05, 0, 30], [0, 0, -3.0, 40], [0, 0, 0, 1]])


def volume(seed, shape=(22, 26, 12), low=0.0, scale=100.0):
    rng = np.random.default_rng(seed)
    image = (low + scale * rng.random(shape)).astype(np.float32)
    label = np.zeros(shape, np.uint8)
    x = seed % 3
    label[4 + x : 12 + x, 5:13, 3:8] = 1
    label[12 + x : 16 + x, 5:13, 3:8] = 2
    return image + 50 * label, label


def write_case(root, name, image, label, affine=FLIPPED):
    for folder, values in (("imagesTr", image), ("labelsTr", label)):
        (root / folder).mkdir(parents=True, exist_ok=True)
        nib.Nifti1Image(values, affine).to_filename(root / folder / f"{name}.nii.gz")


def read_in_ras(case):
    image, grid = read_image(case.image)
    return to_ras(image, read_label(case.label)[0], grid)[:2]


@pytest.fixture
def volumes(tmp_path):
    """Ten cases as the Decathlon lays them out, axes turned and flipped, nothing wrong."""
    root = tmp_path / "volumes"
    for seed in range(10):
        write_case(root, f"case_{seed}", *volume(seed))
    names = {"labels": {"0": "background", "1": "Body", "2": "Tail"}}
    (root / "dataset.json").write_text(json.dumps(names))
    return root


@pytest.fixture
def pictures(tmp_path):
    """Eight pictures of several sizes, masks 0 and 255."""
    root = tmp_path / "pictures"
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for seed in range(8):
        rng = np.random.default_rng(seed)
        shape = (60 + 10 * (seed % 4), 90)
        mask = np.zeros(shape, np.uint8)
        mask[20:40, 30:60] = 255
        grey = (rng.random(shape) * 90 + mask / 3).astype(np.uint8)
        Image.fromarray(grey).save(root / "images" / f"p{seed}.png")
        Image.fromarray(mask).save(root / "masks" / f"p{seed}.png")
    return root


@pytest.fixture
def survey_of():
    return lambda root, background=0: survey_cases(find_cases(root).labelled, background)
