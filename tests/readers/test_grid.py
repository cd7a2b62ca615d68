"""Grids: spacing, differences and the way from LPS to RAS."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.errors import ConfigError, GeometryError
from lamina.readers.grid import (
    Grid,
    format_size,
    grid_difference,
    lps_to_ras,
    pixel_grid,
    require_affine,
    require_pixel_size,
    with_pixel_size,
)


def test_spacing_is_the_length_of_each_axis(oblique):
    assert Grid((5, 7, 9), oblique).spacing == pytest.approx((0.5, 0.75, 2.0))


def test_spacing_of_a_picture_has_two_numbers():
    assert Grid((5, 7), np.diag([0.1, 0.2, 1.0, 1.0])).spacing == pytest.approx((0.1, 0.2))


@given(st.permutations([0.3, 0.75, 2.5]), st.integers(0, 99), st.sampled_from([-1, 1]))
def test_a_voxel_is_as_large_however_its_axes_are_turned_and_flipped(spacing, seed, sign):
    turned = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    affine = np.eye(4)
    affine[:3, :3] = turned * spacing * [1, sign, 1]
    affine[:3, 3] = 5, 7, 9
    assert Grid((5, 7, 9), affine).voxel_size == pytest.approx(np.prod(spacing))
    assert Grid((5, 7), affine).voxel_size == pytest.approx(spacing[0] * spacing[1])


@given(st.floats(-40, 40), st.permutations([0, 1, 2]))
def test_a_tilt_changes_the_spacing_and_not_the_size_of_a_voxel(degrees, axes):
    affine = np.diag([0.5, 0.75, 3.0, 1.0])
    affine[1, 2] = 3.0 * np.tan(np.radians(degrees))
    affine[:, :3] = affine[:, axes]
    grid = Grid((5, 7, 9), affine)
    assert grid.voxel_size == pytest.approx(0.5 * 0.75 * 3.0)
    assert np.prod(grid.spacing) == pytest.approx(grid.voxel_size / np.cos(np.radians(degrees)))


def test_a_pixel_of_unknown_size_is_one():
    assert pixel_grid((5, 7)).voxel_size == 1
    assert pixel_grid((5, 7, 9)).voxel_size == 1


def test_a_picture_without_size_has_the_unit_pixel():
    grid = pixel_grid((5, 7))
    assert grid.unit == "px"
    assert np.array_equal(grid.affine, np.eye(4))


def test_a_volume_lies_in_mm_unless_said_otherwise(oblique):
    assert Grid((5, 7, 9), oblique).unit == "mm"


def test_lps_to_ras_is_its_own_inverse(oblique):
    assert np.array_equal(lps_to_ras(lps_to_ras(oblique)), oblique)


def test_lps_to_ras_turns_left_and_posterior_around(oblique):
    point = np.array([3.0, 4.0, 5.0, 1.0])
    there, here = lps_to_ras(oblique) @ point, oblique @ point
    assert there == pytest.approx(here * [-1, -1, 1, 1])


def test_a_grid_does_not_differ_from_itself(oblique):
    assert grid_difference(Grid((5, 7, 9), oblique), Grid((5, 7, 9), oblique.copy())) is None


def test_another_size_is_named_in_both_orders(oblique):
    first, second = Grid((5, 7, 9), oblique), Grid((7, 5, 9), oblique)
    assert grid_difference(first, second) == "size 5×7×9 against 7×5×9"
    assert grid_difference(second, first) == "size 7×5×9 against 5×7×9"


def test_a_picture_against_a_volume_is_another_size(oblique):
    assert "size 5×7 against 5×7×1" in str(
        grid_difference(pixel_grid((5, 7)), Grid((5, 7, 1), oblique))
    )


def test_a_flipped_axis_is_a_difference_even_if_the_centre_stays():
    flipped = np.diag([-1.0, 1.0, 1.0, 1.0])
    flipped[0, 3] = 4
    message = grid_difference(Grid((5, 7, 9), np.eye(4)), Grid((5, 7, 9), flipped))
    assert message is not None
    assert "4 mm apart" in message
    assert "-1.0, 0.0, 0.0, 4.0" in message


def test_a_small_rotation_shows_at_the_far_corner():
    angle = 0.02
    turned = np.eye(4)
    turned[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    small, large = (3, 3, 3), (300, 300, 3)
    assert grid_difference(Grid(small, np.eye(4)), Grid(small, turned)) is None
    assert grid_difference(Grid(large, np.eye(4)), Grid(large, turned)) is not None


@given(st.floats(0, 0.19), st.sampled_from([0, 1, 2]))
def test_shifts_within_the_tolerance_are_the_same_grid(shift, axis):
    moved = np.diag([2.0, 3.0, 4.0, 1.0])
    moved[axis, 3] += shift
    assert (
        grid_difference(Grid((5, 7, 9), np.diag([2.0, 3.0, 4.0, 1.0])), Grid((5, 7, 9), moved))
        is None
    )


@given(st.floats(0.21, 100), st.sampled_from([0, 1, 2]))
def test_shifts_beyond_the_tolerance_are_not(shift, axis):
    moved = np.diag([2.0, 3.0, 4.0, 1.0])
    moved[axis, 3] += shift
    assert grid_difference(Grid((5, 7, 9), np.diag([2.0, 3.0, 4.0, 1.0])), Grid((5, 7, 9), moved))


def test_the_tolerance_is_a_parameter(oblique):
    moved = oblique.copy()
    moved[0, 3] += 0.4
    first, second = Grid((5, 7, 9), oblique), Grid((5, 7, 9), moved)
    assert grid_difference(first, second, tolerance=0.1) is not None
    assert grid_difference(first, second, tolerance=1.0) is None


def test_where_one_has_no_physical_size_pixels_alone_are_compared():
    picture, mask = pixel_grid((5, 7)), Grid((5, 7), np.diag([0.1, 0.2, 1, 1]))
    assert grid_difference(picture, mask) is None
    assert grid_difference(mask, picture) is None
    assert grid_difference(mask, pixel_grid((7, 5))) is not None


def test_sizes_are_written_with_a_cross():
    assert format_size((1,)) == "1"
    assert format_size((512, 1024)) == "512×1024"


@given(st.floats(1e-6, 1e6))
def test_affines_of_any_scale_are_accepted(scale):
    require_affine(np.diag([scale, 2 * scale, 3 * scale, 1.0]), Path("a.nii"))


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_an_axis_without_a_length_is_refused(value):
    with pytest.raises(GeometryError, match=r"a\.nii: the affine"):
        require_affine(np.diag([1.0, value, 3.0, 1.0]), Path("a.nii"))


def test_axes_in_one_plane_are_refused(oblique):
    flat = oblique.copy()
    flat[:3, 2] = flat[:3, 0] + flat[:3, 1]
    with pytest.raises(GeometryError, match="valid spacing and directions"):
        require_affine(flat, Path("a.nii"))


def test_a_picture_gets_the_size_of_its_pixels_and_other_images_keep_theirs():
    sized = with_pixel_size(pixel_grid((7, 5)), (0.1, 0.2))
    assert (sized.shape, sized.spacing, sized.unit) == ((7, 5), (0.1, 0.2), "mm")
    scan = Grid((7, 5, 3), np.diag([2.0, 2.0, 3.0, 1.0]))
    assert with_pixel_size(scan, (0.1, 0.2)) is scan
    plain = pixel_grid((7, 5))
    assert with_pixel_size(plain, None) is plain
    volume = pixel_grid((7, 5, 3))
    assert with_pixel_size(volume, (0.1, 0.2)) is volume


@pytest.mark.parametrize(
    "size", [(0.1,), (0.1, 0), (-1, 1), (1, 2, 3), (1, float("inf")), (float("nan"), 1)]
)
def test_other_sizes_of_a_pixel_are_refused(size):
    with pytest.raises(ConfigError, match=r"pixel_size \[.*expected a width and a height in mm"):
        require_pixel_size(size)
