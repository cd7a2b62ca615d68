import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lamina.cases import find_cases
from lamina.cases.slice_list import list_slices
from lamina.cases.slice_pictures import read_window, slice_picture, windowed, write_pictures
from lamina.errors import ConfigError, DataError


@given(st.floats(-4000, 4000), st.floats(1, 4000), st.lists(st.floats(-9000, 9000), min_size=1))
def test_a_window_keeps_the_order_and_its_ends(low, width, values):
    ordered = np.sort(np.array(values))
    greys = windowed(ordered, (low, low + width)).astype(int)
    assert (np.diff(greys) >= 0).all()
    assert (greys[ordered <= low] == 0).all()
    assert (greys[ordered >= low + width] == 255).all()


@pytest.mark.parametrize("text", ["", "3", "a,b", "5,5", "7,1", "1,2,3", "nan,1"])
def test_what_is_no_window_is_refused(text):
    with pytest.raises(ConfigError, match="expected LOW,HIGH"):
        read_window(text)


def test_a_picture_stands_as_the_slice_does(tmp_path, write_dicom):
    pixels = np.arange(12, dtype=np.int16).reshape(3, 4) * 100
    path = write_dicom(
        tmp_path / "a", pixels, PixelSpacing=[1, 2], RescaleSlope=2, RescaleIntercept=-1000
    )
    picture = np.asarray(slice_picture(path, (-1000.0, 1200.0)))
    expected = (255 * (2 * pixels / 2200.0)).clip(0, 255).round()
    np.testing.assert_array_equal(picture, expected)


def test_kept_slices_become_a_data_set(tmp_path, write_series, oblique, volume):
    for patient, uid in (("A", "1.2.3"), ("B", "1.2.4")):
        write_series(
            tmp_path / "src" / uid, volume, oblique, PatientID=patient, SeriesInstanceUID=uid
        )
    listed = list_slices(tmp_path / "src")
    kept = [listed[n] for n in (0, 4, 11)]
    names = write_pictures(kept, tmp_path / "out", (0.0, 300.0))
    assert len(set(names)) == 3
    found = find_cases(tmp_path / "out")
    assert sorted(case.name for case in found.cases) == sorted(names)
    with (tmp_path / "out" / "patients.csv").open() as file:
        patients = {row["case"]: row["patient"] for row in csv.DictReader(file)}
    assert patients[names[0]] == patients[names[1]] != patients[names[2]]
    picture = np.asarray(Image.open(tmp_path / "out" / "images" / f"{names[1]}.png"))
    np.testing.assert_array_equal(picture, windowed(volume[:, :, 4].T, (0.0, 300.0)))


def test_nothing_kept_is_told(tmp_path):
    with pytest.raises(DataError, match="no slice is marked"):
        write_pictures([], tmp_path / "out", (0.0, 1.0))
