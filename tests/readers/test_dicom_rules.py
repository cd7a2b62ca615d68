import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.errors import ConfigError, GeometryError
from lamina.readers.dicom import read_dicom
from lamina.readers.dicom_rules import SeriesRules, interpolate
from lamina.readers.source import Source

AFFINE = np.array([[0, -0.6, 0, 9], [0.5, 0, 0, -7], [0, 0, 3.0, 11], [0, 0, 0, 1.0]])


@pytest.fixture
def ramp():
    """A volume whose value is 10 times the slice's number, so that between slices is known."""
    return np.broadcast_to(10 * np.arange(9, dtype=np.int16), (5, 7, 9)).copy()


@pytest.fixture
def gappy(tmp_path, write_series, ramp):
    folder = write_series(tmp_path / "s", ramp, AFFINE)
    (folder / "004.dcm").unlink()
    return folder


def test_a_missing_slice_is_interpolated_in_its_place(gappy, ramp, caplog):
    values, grid = read_dicom(str(gappy))
    np.testing.assert_allclose(values, ramp, atol=1e-3)
    np.testing.assert_allclose(np.abs(grid.affine[:3, 2]), np.abs(AFFINE[:3, 2]), atol=1e-6)
    assert "slices are up to 6 mm apart (between" in caplog.text
    assert "others 3 mm: the volume is interpolated to 9 even slices" in caplog.text


def test_each_source_slice_knows_its_place(gappy):
    plan = Source(gappy).plan
    assert plan.places.round(6).tolist() in (
        [0, 1, 2, 3, 5, 6, 7, 8],
        [0, 1, 2, 3, 5, 6, 7, 8][::-1],
    )
    assert not plan.regular


def test_accepting_takes_distances_as_even(gappy, caplog):
    values, _ = read_dicom(str(gappy), SeriesRules(missing_slices="accept"))
    assert values.shape == (5, 7, 8)
    assert "uneven distances are taken as even" in caplog.text


def test_refusing_names_both_distances(gappy):
    with pytest.raises(GeometryError, match="slices 3 mm apart, but 6 mm between"):
        read_dicom(str(gappy), SeriesRules(missing_slices="refuse"))


@pytest.mark.parametrize(("gone", "read"), [((3, 4, 5), True), ((2, 3, 4, 5), False)])
def test_a_large_gap_is_refused(tmp_path, write_series, ramp, gone, read):
    folder = write_series(tmp_path / "s", ramp, AFFINE)
    for number in gone:
        (folder / f"00{number}.dcm").unlink()
    if read:
        assert read_dicom(str(folder))[0].shape == (5, 7, 9)
    else:
        with pytest.raises(GeometryError, match="15 mm between"):
            read_dicom(str(folder))


@pytest.fixture
def doubled(tmp_path, write_series, ramp):
    folder = write_series(tmp_path / "s", ramp, AFFINE)
    image = pydicom.dcmread(folder / "002.dcm")
    image.SOPInstanceUID = "1.2.3.99"
    image.save_as(folder / "copy.dcm")
    return folder


def test_a_duplicate_is_refused_unless_accepted(doubled, ramp, caplog):
    with pytest.raises(GeometryError, match="lie at the same position"):
        read_dicom(str(doubled))
    values, _ = read_dicom(str(doubled), SeriesRules(duplicates="accept"))
    np.testing.assert_array_equal(values, ramp)
    assert "1 slices at positions of others are left out" in caplog.text


@pytest.fixture
def tilted(tmp_path, write_series, ramp):
    """Each slice is shifted by 0.9 mm along its columns, as a gantry tilt does."""
    sheared = AFFINE.copy()
    sheared[:3, 2] += 0.9 * np.array([-1.0, 0, 0])
    return write_series(tmp_path / "s", ramp, sheared), sheared


def test_a_tilt_stands_exactly_in_the_affine(tilted, ramp, caplog):
    folder, sheared = tilted
    values, grid = read_dicom(str(folder))
    np.testing.assert_array_equal(values, ramp)
    np.testing.assert_allclose(grid.affine, sheared, atol=1e-5)
    assert "the gantry was tilted" in caplog.text


def test_a_tilt_can_be_refused(tilted):
    with pytest.raises(GeometryError, match="sideways"):
        read_dicom(str(tilted[0]), SeriesRules(tilt="refuse"))


@pytest.mark.parametrize("wrong", [{"missing_slices": "fill"}, {"duplicates": "x"}, {"tilt": ""}])
def test_a_rule_that_is_none_is_named(wrong):
    with pytest.raises(ConfigError, match=f"{next(iter(wrong))}: .*use one of|use one of"):
        SeriesRules(**wrong)


@given(st.lists(st.floats(0.3, 3.0), min_size=1, max_size=8), st.floats(-5, 5), st.floats(-5, 5))
def test_a_linear_image_is_interpolated_exactly(gaps, slope, start):
    places = np.concatenate([[0.0], np.cumsum(gaps)])
    count = int(places[-1]) + 1
    voxels = (start + slope * places)[None, None].astype(np.float64)
    found = interpolate(voxels, places, count)
    np.testing.assert_allclose(found[0, 0], start + slope * np.arange(count), atol=1e-5)


def test_a_tilted_series_without_a_slice_is_filled_along_its_tilt(tilted, ramp, caplog):
    folder, affine = tilted
    (folder / "002.dcm").unlink()
    values, grid = read_dicom(str(folder))
    assert grid.shape == ramp.shape
    np.testing.assert_allclose(grid.affine, affine, atol=1e-5)
    np.testing.assert_allclose(values[..., [0, 1, 3]], ramp[..., [0, 1, 3]])
    np.testing.assert_allclose(values[..., 2], (ramp[..., 1] + ramp[..., 3]) / 2)
    assert "the gantry was tilted" in caplog.text
    assert "is interpolated to" in caplog.text


@pytest.mark.parametrize(("numbers", "warned"), [([1, 2], True), ([1, 1], False)])
def test_acquisitions_that_alternate_are_warned_about(
    tmp_path, write_series, ramp, numbers, warned
):
    changes = {z: {"AcquisitionNumber": numbers[z % 2]} for z in range(ramp.shape[2])}
    plan = Source(write_series(tmp_path / "s", ramp, AFFINE, changes=changes)).plan
    assert any("acquisitions 1, 2 alternate" in one for one in plan.warnings) is warned


def test_acquisitions_one_after_the_other_are_usual(tmp_path, write_series, ramp):
    half = ramp.shape[2] // 2
    changes = {z: {"AcquisitionNumber": 1 + (z >= half)} for z in range(ramp.shape[2])}
    assert Source(write_series(tmp_path / "s", ramp, AFFINE, changes=changes)).plan.warnings == ()


@pytest.mark.parametrize(("own", "warned"), [(False, True), (True, False)])
def test_times_of_acquisition_that_alternate_are_warned_about(
    tmp_path, write_series, ramp, own, warned
):
    """Where each slice has a time of its own, these are the order in which slices were taken."""
    times = {z: {"AcquisitionTime": f"12{z % 2:02}{z * own:02}"} for z in range(ramp.shape[2])}
    plan = Source(write_series(tmp_path / "s", ramp, AFFINE, changes=times)).plan
    assert any("alternate (AcquisitionTime)" in one for one in plan.warnings) is warned


def test_acquisitions_that_mix_only_where_they_overlap_are_warned_about(
    tmp_path, write_series, ramp
):
    changes = {z: {"AcquisitionNumber": 1 + (z in (2, 4))} for z in range(ramp.shape[2])}
    plan = Source(write_series(tmp_path / "s", ramp, AFFINE, changes=changes)).plan
    assert any("acquisitions 1, 2 alternate" in one for one in plan.warnings)
