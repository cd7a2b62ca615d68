import csv
import json

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from lamina.files import write_table
from lamina.metrics.measure import MeasureSettings
from lamina.prediction.measurements import (
    measure_prediction,
    slice_presence,
    thickness_profile,
    write_measurements,
    write_slice_presence,
)
from lamina.readers.grid import Grid
from lamina.tasks.labels import Label
from lamina.writers.segmented_case import SegmentedCase

LABELS = tuple(Label(v, n, (0, 9 * v, 0)) for v, n in enumerate(("background", "a", "b", "none")))
OBLIQUE = np.array([[0.3, -0.4, 0, 5], [0.4, 0.3, 0, -7], [0, 0, 2.5, 1], [0, 0, 0, 1]])


def make(label, image=None, affine=OBLIQUE, has_spacing=True, depth_axis=None):
    image = np.random.default_rng(0).normal(size=label.shape) if image is None else image
    measure = MeasureSettings(metrics=["dice"], depth_axis=depth_axis)
    return SegmentedCase(
        "case",
        "x.nii",
        image[None],
        label,
        Grid(label.shape, affine, "mm" if has_spacing else "px"),
        LABELS,
        measure,
    )


@pytest.fixture
def blobs():
    """Two structures in some parts each, away from and at the border."""
    noise = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=(14, 17, 9)), 1.6)
    label = np.where(noise > 0.09, 1, np.where(noise < -0.09, 2, 0)).astype(np.uint8)
    assert set(np.unique(label)) == {0, 1, 2}
    return label


def test_against_simpleitk(blobs):
    image = np.random.default_rng(1).normal(50, 9, blobs.shape)
    rows = {row["value"]: row for row in measure_prediction(make(blobs, image))}
    for value in (1, 2):
        mask = sitk.GetImageFromArray((blobs == value).astype(np.uint8).T)
        mask.SetSpacing((0.5, 0.5, 2.5))
        values = sitk.GetImageFromArray(image.T)
        values.CopyInformation(mask)
        shape, intensity = sitk.LabelShapeStatisticsImageFilter(), sitk.LabelStatisticsImageFilter()
        shape.Execute(mask)
        intensity.Execute(values, mask)
        row = rows[value]
        assert row["volume_mm3"] == pytest.approx(shape.GetPhysicalSize(1))
        assert row["voxels"] == shape.GetNumberOfPixels(1)
        assert row["intensity_mean"] == pytest.approx(intensity.GetMean(1))
        unbiased = row["intensity_std"] * np.sqrt(row["voxels"] / (row["voxels"] - 1))
        assert unbiased == pytest.approx(intensity.GetSigma(1))
        x, y, z, nx, ny, nz = shape.GetBoundingBox(1)
        assert row["box_min"] == [x, y, z]
        assert row["box_max"] == [x + nx - 1, y + ny - 1, z + nz - 1]
        assert row["components"] == sitk.GetArrayFromImage(sitk.ConnectedComponent(mask)).max()


def test_an_absent_structure_has_a_row_of_zeros(blobs):
    row = measure_prediction(make(blobs))[2]
    assert row["structure"] == "none"
    assert (row["voxels"], row["volume_mm3"], row["components"]) == (0, 0.0, 0)
    assert "intensity_mean" not in row


def test_a_volume_of_unknown_voxels_has_no_mm(blobs):
    row = measure_prediction(make(blobs, affine=np.eye(4), has_spacing=False))[0]
    assert row["volume_px3"] == row["voxels"] == (blobs == 1).sum()
    assert "volume_mm3" not in row


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("end", [0, -1])
def test_a_structure_at_the_border_is_marked(axis, end):
    label = np.zeros((5, 6, 7), np.uint8)
    label[2, 2, 2] = 1
    assert not measure_prediction(make(label))[0]["cut_by_border"]
    label.swapaxes(0, axis)[end, 2, 2] = 1
    assert measure_prediction(make(label))[0]["cut_by_border"]


def test_one_slice_is_not_cut_along_its_single_axis():
    label = np.zeros((5, 6, 1), np.uint8)
    label[2, 2, 0] = 1
    assert not measure_prediction(make(label))[0]["cut_by_border"]


def test_a_picture_has_an_area_in_pixels_or_mm2():
    label = np.zeros((5, 6), np.uint8)
    label[1:3, 2:5] = 1
    row = measure_prediction(make(label, affine=np.eye(4), has_spacing=False))[0]
    assert row["area_px2"] == 6
    assert "area_mm2" not in row
    sized = np.diag([0.5, 0.2, 1, 1.0])
    assert measure_prediction(make(label, affine=sized))[0]["area_mm2"] == pytest.approx(0.6)


def test_layers_have_a_thickness_in_micrometres():
    label = np.zeros((3, 10, 2), np.uint8)
    label[0, 2:4], label[1, 2:7] = 1, 1
    label[:, 8] = 2
    affine = np.diag([0.02, 0.004, 0.1, 1.0])
    first, second, _ = measure_prediction(make(label, affine=affine, depth_axis=1))
    assert first["thickness_min_um"] == pytest.approx(8)
    assert first["thickness_max_um"] == pytest.approx(20)
    assert first["thickness_mean_um"] == pytest.approx(14)
    assert second["thickness_mean_um"] == pytest.approx(4)
    assert (first["thickness_min_px"], first["thickness_max_px"]) == (2, 5)


def test_without_spacing_a_thickness_is_in_pixels():
    label = np.zeros((3, 10), np.uint8)
    label[:, 2:5] = 1
    row = measure_prediction(make(label, affine=np.eye(4), has_spacing=False, depth_axis=1))[0]
    assert row["thickness_mean_px"] == 3
    assert "thickness_mean_um" not in row


def test_the_profile_has_a_row_for_each_line():
    label = np.zeros((3, 10, 2), np.uint8)
    label[2, 4:7, 1] = 1
    rows = thickness_profile(make(label, affine=np.diag([1, 0.002, 1, 1.0]), depth_axis=1))
    assert len(rows) == 6
    assert [row for row in rows if row["a_um"]] == [
        {"x": 2, "z": 1, "a_um": pytest.approx(6.0), "b_um": 0.0, "none_um": 0.0}
        | {"a_px": 3.0, "b_px": 0.0, "none_px": 0.0}
    ]


def test_tables_are_read_back(tmp_path, blobs):
    rows = measure_prediction(make(blobs))
    write_measurements(rows, tmp_path)
    assert json.loads((tmp_path / "measurements.json").read_text()) == rows
    with (tmp_path / "measurements.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["structure"] for row in table] == ["a", "b", "none"]
    assert float(table[0]["volume_mm3"]) == pytest.approx(rows[0]["volume_mm3"], rel=1e-5)
    assert table[0]["box_min"] == " ".join(map(str, rows[0]["box_min"]))
    assert "area_px2" not in table[0]


def test_a_name_with_a_comma_stays_one_cell(tmp_path):
    write_table(tmp_path / "t.csv", ["a", "b"], [{"a": "x, y", "b": 'q"'}])
    with (tmp_path / "t.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["a", "b"], ["x, y", 'q"']]


LABELS_PRESENCE = (
    Label(0, "background", (0, 0, 0)),
    Label(1, "IRF", (1, 0, 0)),
    Label(2, "SRF", (0, 1, 0)),
)


def case(label):
    return SegmentedCase(
        "eye", "eye.nii", label[None], label, Grid(label.shape, np.eye(4)), LABELS_PRESENCE
    )


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
    path = write_slice_presence(case(label), 1, tmp_path)
    assert path == tmp_path / "eye.csv"
    with path.open() as file:
        read = [{key: int(value) for key, value in row.items()} for row in csv.DictReader(file)]
    assert read == slice_presence(case(label), 1)
