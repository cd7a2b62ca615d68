"""Small inputs that once went wrong: a voxel's value tells where it lies (LPS+, mm)."""

import numpy as np
import pytest

from lamina.cases.find import find_images
from lamina.readers.images import read_image
from lamina.readers.source import Source

MADE = np.array([5.0, 3.0, 7.0])


@pytest.fixture
def scans(real_data):
    folder = real_data / "faults" / "scans"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    return folder


def wrong_by(values, grid):
    """Return how far the values are from what should stand at their places, but for an offset.

    Echoes and volumes of one scan differ by an offset of all their voxels.
    """
    indices = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
    world = (indices @ grid.affine[:3, :3].T + grid.affine[:3, 3]) * [-1, -1, 1]
    apart = values - (1000 + world @ MADE)
    return float(np.abs(apart - np.median(apart)).max())


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("00_control", [(32, 24, 8)]),
        ("02_pixel_measures_per_frame", [(32, 24, 8)]),
        ("03_orientation_last_digit", [(32, 24, 8)]),
        ("04a_time_with_colons", [(32, 24, 8)]),
        ("04b_date_stars", [(32, 24, 8)]),
        ("05_frame_of_reference_differs", [(32, 24, 8)]),
        ("07_enhanced_one_frame_a_file", [(32, 24, 8)]),
        ("08_series_over_two_folders", [(32, 24, 8)]),
        ("09_orientation_at_rounding_edge", [(32, 24, 8)]),
        ("12_no_meta_header", [(32, 24, 8)]),
        ("13_second_echo_lacks_a_slice", [(32, 24, 8)]),
        ("14_empty_slice_thickness", [(32, 24, 1)]),
        ("16_one_file_copied", [(32, 24, 8)]),
        ("17_tilted_and_one_missing", [(32, 24, 11)]),
        ("18_tilted", [(32, 24, 24)]),
    ],
)
def test_every_voxel_lies_where_its_value_says(scans, name, shapes):
    sources = find_images(scans / name).sources
    read = [read_image(source) for source in sources]
    assert [values.shape for values, _ in read] == shapes
    for values, grid in read:
        assert wrong_by(values, grid) < 1.2  # orientations jitter, values are rounded
    for source in sources:
        np.testing.assert_array_equal(read_image(str(source))[0], read_image(source)[0])


def test_volumes_of_one_enhanced_file(scans):
    sources = find_images(scans / "01_enhanced_4d").sources
    assert len(sources) >= 2
    for source in sources:
        values, grid = read_image(source)
        assert values.shape == grid.shape == (32, 24, 8)
        assert wrong_by(values, grid) < 1
        np.testing.assert_array_equal(read_image(str(source))[0], values)


def test_a_mosaic_is_no_slice(scans):
    found = find_images(scans / "06_mosaic")
    assert found.sources == ()
    assert "a mosaic (MOSAIC)" in found.unread[0].reason


def test_the_incomplete_echo_is_named(scans):
    unread = find_images(scans / "13_second_echo_lacks_a_slice").unread
    assert {file.path.name[:2] for file in unread} == {"e2"}


def test_acquisitions_half_a_step_apart_are_warned_about(scans):
    (source,) = find_images(scans / "15_two_acquisitions_half_a_step_apart").sources
    assert any("acquisitions 1, 2 alternate" in text for text in source.plan.warnings)


def test_a_report_of_the_same_uid_is_a_case_of_its_own(scans):
    sources = find_images(scans / "10_with_an_unplaced_image").sources
    volumes = [source for source in sources if len(Source.of(source).slices) > 1]
    assert len(sources) == 2
    values, grid = read_image(volumes[0])
    assert wrong_by(values, grid) < 1
