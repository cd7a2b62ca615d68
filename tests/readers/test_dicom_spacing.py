"""Sizes of pixels by the header: zeros, and the calibration of ultrasound pictures."""

import numpy as np
import pytest
from pydicom.dataset import Dataset

from lamina.errors import GeometryError
from lamina.readers.images import read_grid, read_image

ROWS, COLUMNS = 40, 60


@pytest.fixture
def grid_of(tmp_path, write_dicom):
    def write_and_read(**elements):
        pixels = np.zeros((ROWS, COLUMNS), np.uint8)
        return read_image(str(write_dicom(tmp_path / "us.dcm", pixels, **elements)))[1]

    return write_and_read


def region(box=(0, 0, COLUMNS - 1, ROWS - 1), delta=(0.02, 0.03), units=(3, 3), spatial=1):
    made = Dataset()
    made.RegionSpatialFormat = spatial
    made.RegionDataType, made.RegionFlags = 1, 0
    names = ("MinX0", "MinY0", "MaxX1", "MaxY1")
    for name, value in zip(names, box, strict=True):
        setattr(made, f"RegionLocation{name}", value)
    made.PhysicalUnitsXDirection, made.PhysicalUnitsYDirection = units
    made.PhysicalDeltaX, made.PhysicalDeltaY = delta
    return made


LEFT, RIGHT = (0, 0, 29, ROWS - 1), (30, 0, COLUMNS - 1, ROWS - 1)
MOST = (5, 3, 54, 36)


def test_a_region_that_covers_the_picture_gives_mm(grid_of, caplog):
    grid = grid_of(SequenceOfUltrasoundRegions=[region()])
    assert grid.unit == "mm"
    assert grid.spacing == pytest.approx((0.2, 0.3))
    assert grid.voxel_size == pytest.approx(0.06)
    assert caplog.text == ""


@pytest.mark.parametrize("delta", [(-0.02, 0.03), (0.02, -0.03)])
def test_a_direction_is_no_size(grid_of, delta):
    spacing = grid_of(SequenceOfUltrasoundRegions=[region(delta=delta)]).spacing
    assert spacing == pytest.approx((0.2, 0.3))


def test_regions_that_agree_are_one(grid_of):
    regions = [region(LEFT), region(RIGHT, delta=(0.0201, 0.03))]
    grid = grid_of(SequenceOfUltrasoundRegions=regions)
    assert (grid.unit, grid.spacing) == ("mm", pytest.approx((0.2, 0.3)))


def test_a_region_of_most_of_the_picture_is_taken_and_told(grid_of, caplog):
    graphics = region((0, 0, 3, 3), spatial=5, units=(0, 0))
    grid = grid_of(SequenceOfUltrasoundRegions=[region(MOST), graphics])
    assert grid.spacing == pytest.approx((0.2, 0.3))
    assert "its ultrasound calibration is for 71% of the picture" in caplog.text


@pytest.mark.parametrize(
    ("regions", "why"),
    [
        ([region(LEFT), region(RIGHT, delta=(0.04, 0.03))], "its regions disagree: 0.3 × 0.2, "),
        ([region(LEFT)], "its regions hold only 50% of the picture"),
        ([region(units=(4, 7))], "a region is not in cm in both directions"),
        ([region(units=(4, 3))], "a region is not in cm in both directions"),
        ([region(units=(3, 4))], "a region is not in cm in both directions"),
        ([region(MOST), region((0, 38, 59, 39), units=(4, 0), spatial=4)], "a region is not in cm"),
        ([region(spatial=2)], "a region is not in cm in both directions"),
        ([region(delta=(0, 0.03))], "a region is not in cm in both directions"),
        ([region((0, 0, COLUMNS, ROWS))], "a region lies outside of the picture"),
        ([region(spatial=5)], "a region is not in cm in both directions"),
    ],
)
def test_no_other_calibration_is_taken_for_mm(grid_of, regions, why, caplog):
    grid = grid_of(SequenceOfUltrasoundRegions=regions)
    assert (grid.unit, grid.spacing) == ("px", (1, 1))
    assert f"its ultrasound calibration is not used, since {why}" in caplog.text


def test_pixel_spacing_counts_first(grid_of, caplog):
    grid = grid_of(PixelSpacing=[0.7, 0.5], SequenceOfUltrasoundRegions=[region(LEFT)])
    assert grid.spacing == (0.5, 0.7)
    assert caplog.text == ""


@pytest.mark.parametrize("zeros", [[0, 0], [0, 0.5]])
def test_a_spacing_of_0_is_not_known_and_told(grid_of, zeros, caplog):
    assert grid_of(PixelSpacing=zeros).unit == "px"
    assert f"PixelSpacing is 0\\{zeros[1]:g}, taken as unknown" in caplog.text
    assert grid_of(PixelSpacing=zeros, ImagerPixelSpacing=[0.2, 0.1]).spacing == (0.1, 0.2)


def test_a_series_with_a_spacing_of_0_is_refused_with_it(tmp_path, volume, write_series):
    folder = write_series(tmp_path / "s", volume, np.eye(4), PixelSpacing=[0, 0])
    with pytest.raises(GeometryError, match=r"PixelSpacing is missing.*PixelSpacing is 0\\0"):
        read_grid(str(folder))


def test_a_thickness_of_0_is_not_known(tmp_path, volume, write_series):
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    folder = write_series(
        tmp_path / "s", volume[..., :1], affine, SliceThickness=0, SpacingBetweenSlices=2.5
    )
    assert read_grid(str(folder)).spacing == (1, 1, 2.5)
