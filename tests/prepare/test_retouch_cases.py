from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from lamina.cases import read_image
from lamina.errors import DataError
from lamina.prepare.retouch_cases import (
    RetouchCase,
    cases_for_test,
    find_retouch,
    read_bytes,
    read_truth,
)

SHAPE = (6, 9, 4)


def write(path, values, spacing=(0.0117, 0.0039, 0.12)):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(np.ascontiguousarray(values.transpose(2, 1, 0)))
    image.SetSpacing(spacing)
    sitk.WriteImage(image, str(path))
    return path


def make(folder, values, truth=None):
    write(folder / "oct.mhd", values)
    if truth is not None:
        write(folder / "reference.mhd", truth)


@pytest.fixture
def volume():
    return np.arange(np.prod(SHAPE), dtype=np.uint8).reshape(SHAPE)


def test_vendor_and_case_come_from_the_folders(tmp_path, volume):
    make(tmp_path / "RETOUCH-TrainingSet-Cirrus" / "TRAIN001", volume, volume * 0)
    make(tmp_path / "set" / "topcon" / "TRAIN047", volume)
    cases = find_retouch(tmp_path)
    assert [case.name for case in cases] == ["Cirrus_TRAIN001", "Topcon_TRAIN047"]
    assert [case.truth is None for case in cases] == [False, True]


def test_one_vendors_folder_may_be_given_itself(tmp_path, volume):
    make(tmp_path / "Spectralis" / "A", volume)
    assert find_retouch(tmp_path / "Spectralis")[0].vendor == "Spectralis"


def test_what_does_not_lie_as_expected_is_told(tmp_path, volume):
    with pytest.raises(DataError, match="no oct.mhd"):
        find_retouch(tmp_path)
    make(tmp_path / "Zeiss" / "A", volume)
    with pytest.raises(DataError, match="no vendor"):
        find_retouch(tmp_path)


def test_equal_names_are_refused(tmp_path, volume):
    for part in ("a", "b"):
        make(tmp_path / part / "Cirrus" / "T1", volume)
    with pytest.raises(DataError, match="Cirrus_T1 stands twice"):
        find_retouch(tmp_path)


@pytest.mark.parametrize(("kind", "factor"), [(np.uint8, 1), (np.uint16, 257), (np.uint16, 1)])
def test_eight_and_sixteen_bits_become_the_same_greys(tmp_path, volume, kind, factor):
    make(tmp_path / "Cirrus" / "A", volume.astype(kind) * kind(factor))
    values, grid = read_bytes(find_retouch(tmp_path)[0])
    np.testing.assert_array_equal(values, volume)
    assert grid.spacing == pytest.approx((0.0117, 0.0039, 0.12))
    np.testing.assert_array_equal(
        read_image(str(tmp_path / "Cirrus/A/oct.mhd"))[0], volume * float(factor)
    )


def test_values_that_are_no_greys_are_refused(tmp_path, volume):
    make(tmp_path / "Cirrus" / "A", volume.astype(np.int16) - 50)
    with pytest.raises(DataError, match="expected 8 or 16 bits"):
        read_bytes(find_retouch(tmp_path)[0])


def test_a_truth_that_does_not_fit_is_refused(tmp_path, volume):
    make(tmp_path / "Cirrus" / "A", volume, np.zeros((6, 9, 3), np.uint8))
    case = find_retouch(tmp_path)[0]
    grid = read_bytes(case)[1]
    with pytest.raises(DataError, match=r"6×9×3 voxels, oct.mhd has 6×9×4"):
        read_truth(case, grid)
    write(case.truth, np.full(SHAPE, 4, np.uint8))
    with pytest.raises(DataError, match="values up to 4, expected 0 to 3"):
        read_truth(case, grid)


def test_a_quarter_of_each_vendor_is_for_the_test_whatever_else_there_is():
    cases = [
        RetouchCase(v, f"T{n}", Path("a"), Path("b"))
        for v in ("Cirrus", "Topcon")
        for n in range(12)
    ]
    chosen = cases_for_test(cases, 0.25, 0)
    assert sum(name.startswith("Cirrus") for name in chosen) == 3
    assert sum(name.startswith("Topcon") for name in chosen) == 3
    assert cases_for_test(cases[::-1], 0.25, 0) == chosen
    assert cases_for_test(cases, 0.25, 1) != chosen
    assert not cases_for_test([RetouchCase("Cirrus", "T", Path("a"), None)], 1.0, 0)
