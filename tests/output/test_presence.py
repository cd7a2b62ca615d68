import csv

import numpy as np
import pytest

from lamina.output.predicted_case import PredictedCase
from lamina.output.presence import slice_presence, write_presence
from lamina.tasks import Label

LABELS = (Label(0, "background", (0, 0, 0)), Label(1, "IRF", (1, 0, 0)), Label(2, "SRF", (0, 1, 0)))


def case(label):
    return PredictedCase("eye", "eye.nii", label[None], label, np.eye(4), True, LABELS)


@pytest.fixture
def label():
    volume = np.zeros((5, 7, 4), dtype=np.uint8)
    volume[:2, :3, 1] = 1
    volume[3, :2, 1] = 2
    volume[:, :, 3] = 2
    return volume


def test_a_slice_holds_what_has_enough_voxels(label):
    rows = slice_presence(case(label), 3)
    assert [row["slice"] for row in rows] == [0, 1, 2, 3]
    assert [row["IRF"] for row in rows] == [0, 1, 0, 0]
    assert [row["SRF"] for row in rows] == [0, 0, 0, 1]
    assert [row["SRF"] for row in slice_presence(case(label), 2)] == [0, 1, 0, 1]


def test_a_picture_is_one_slice(label):
    assert slice_presence(case(label[..., 1]), 6) == [{"slice": 0, "IRF": 1, "SRF": 0}]


def test_the_file_says_the_same(label, tmp_path):
    path = write_presence(case(label), 1, tmp_path)
    assert path == tmp_path / "eye.csv"
    with path.open() as file:
        read = [{key: int(value) for key, value in row.items()} for row in csv.DictReader(file)]
    assert read == slice_presence(case(label), 1)
