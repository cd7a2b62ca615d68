"""Order and grid of slices: everything that must hold, and the numbers in each refusal."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.errors import GeometryError
from lamina.readers.dicom_geometry import is_tilted, order_slices, series_grid, tilted_grid
from lamina.readers.dicom_slices import Slice

FLAT = np.array([1.0, 0, 0, 0, 1, 0])


def one_slice(name, z, **changes):
    whole = Slice(
        path=Path("series", name),
        uid="1.2",
        size=(4, 3),
        position=np.array([10.0, 20.0, z]),
        orientation=FLAT,
        spacing=np.array([0.5, 0.25]),
        thickness=np.array([9.0]),
    )
    return replace(whole, **changes)


def stack(*heights, **changes):
    return [one_slice(f"{n}.dcm", float(z), **changes) for n, z in enumerate(heights)]


@given(st.permutations(range(7)))
def test_slices_are_ordered_along_the_normal(heights):
    ordered = order_slices(stack(*heights))
    assert [one.position[2] for one in ordered] == sorted(heights)


def test_the_normal_and_not_z_gives_the_order():
    # A sagittal series: rows run to posterior, columns to the feet, so the normal is to the right.
    sagittal = np.array([0.0, 1, 0, 0, 0, -1])
    slices = [
        one_slice(f"{x}.dcm", 0.0, position=np.array([x, 0.0, 0.0]), orientation=sagittal)
        for x in (3.0, 1.0, 2.0)
    ]
    assert [one.path.name for one in order_slices(slices)] == ["3.0.dcm", "2.0.dcm", "1.0.dcm"]


def test_the_affine_maps_indices_to_where_dicom_says():
    grid = series_grid(order_slices(stack(6, 2, 4)))
    assert grid.shape == (4, 3, 3)
    # Column 3, row 2, slice 1: PS3.3 gives LPS; left and posterior turn their sign.
    lps = np.array([10 + 3 * 0.25, 20 + 2 * 0.5, 2 + 2])
    np.testing.assert_allclose((grid.affine @ [3, 2, 1, 1])[:3], lps * [-1, -1, 1])
    assert grid.spacing == pytest.approx((0.25, 0.5, 2.0))


def test_thickness_has_no_say_among_several_slices():
    assert series_grid(stack(0, 5, 10, thickness=None)).spacing[2] == pytest.approx(5)


def test_one_slice_is_as_thick_as_it_says():
    assert series_grid(stack(1)).spacing == pytest.approx((0.25, 0.5, 9.0))


@pytest.mark.parametrize("thickness", [None, np.array([0.0])])
def test_one_slice_without_a_thickness_is_refused(thickness):
    with pytest.raises(GeometryError, match=r"0\.dcm: SliceThickness is"):
        series_grid(stack(1, thickness=thickness))


def test_the_two_files_around_a_gap_are_named_with_both_distances():
    with pytest.raises(
        GeometryError, match=r"series: slices 3 mm apart, but 6 mm between 2\.dcm and 3\.dcm"
    ):
        series_grid(stack(0, 3, 6, 12, 15, 18))


def test_uneven_distances_within_the_tolerance_are_averaged():
    grid = series_grid(stack(0, 3.0, 6.1, 9.0, 12.0))
    assert grid.spacing[2] == pytest.approx(3.0)
    with pytest.raises(GeometryError, match="3.1 mm between"):
        series_grid(stack(0, 3.0, 6.1, 9.1, 12.1), tolerance=0.02)


@given(st.floats(1.12, 5))
def test_every_larger_gap_is_found(factor):
    with pytest.raises(GeometryError, match=r"between 1\.dcm and 2\.dcm"):
        series_grid(stack(0, 2, 2 + 2 * factor, 4 + 2 * factor, 6 + 2 * factor))


def test_two_slices_in_one_place_are_named():
    with pytest.raises(
        GeometryError, match=r"1\.dcm and 2\.dcm lie at the same position \(0 mm apart, others 2"
    ):
        series_grid(stack(0, 2, 2, 4, 6))


def test_the_whole_series_twice_is_named():
    with pytest.raises(GeometryError, match="lie at the same position"):
        series_grid(stack(0, 0, 2, 2, 4, 4))


def test_gantry_tilt_is_refused_with_the_shift():
    slices = [
        one_slice(f"{n}.dcm", 2.0 * n, position=np.array([10.0, 20 + 0.7 * n, 2.0 * n]))
        for n in range(4)
    ]
    with pytest.raises(
        GeometryError,
        match=r"3\.dcm is shifted 2\.1 mm sideways of 0\.dcm, expected at most 0\.025",
    ):
        series_grid(slices)


def shifted(*steps):
    """Slices 2 mm apart, each moved sideways by mm along its rows."""
    return [
        one_slice(f"{n}.dcm", 2.0 * n, position=np.array([10.0 + step, 20, 2.0 * n]))
        for n, step in enumerate(steps)
    ]


@pytest.mark.parametrize(
    "steps",
    [
        (0, 0.005, 0.01, 0.015),  # below a tenth of a pixel of 0.25 mm
        (0, 0.1, -0.1, 0.06),  # to and fro
        (0, 0.002, 0.001, 0.11),  # the last one alone
        (0, 0.1),  # of two slices nobody knows
    ],
)
def test_what_lies_straight_up_to_rounding(steps):
    assert not is_tilted(shifted(*steps))
    np.testing.assert_allclose(series_grid(shifted(*steps)).affine[:3, 2], [0, 0, 2], atol=1e-12)


@pytest.mark.parametrize("step", [0.02, 0.1, -0.7])
def test_even_steps_above_a_tenth_of_a_pixel_are_a_tilt(step):
    slices = shifted(*(step * n for n in range(4)))
    assert is_tilted(slices)
    np.testing.assert_allclose(tilted_grid(slices).affine[:3, 2], [-step, 0, 2], atol=1e-12)
    with pytest.raises(GeometryError, match="sideways of 0.dcm"):
        series_grid(slices)


def test_a_long_series_with_rounded_orientations_is_no_tilt():
    assert not is_tilted(shifted(*(0.0035 * n for n in range(300))))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": (4, 5)}, r"differ in size: 4×3 and 4×5"),
        (
            {"spacing": np.array([0.5, 0.3])},
            r"differ in PixelSpacing: \[0.5, 0.25\] and \[0.5, 0.3",
        ),
        (
            {"orientation": np.array([0, 1.0, 0, 1, 0, 0])},
            r"differ in orientation: \[1.0, 0.0.*0, 1",
        ),
    ],
)
def test_what_differs_is_named_with_both_values(changes, message):
    slices = [*stack(0, 2), one_slice("odd.dcm", 4.0, **changes)]
    with pytest.raises(GeometryError, match=rf"series: 0\.dcm and odd\.dcm {message}"):
        order_slices(slices)


@pytest.mark.parametrize(
    ("field", "keyword"),
    [
        ("position", "ImagePositionPatient"),
        ("orientation", "ImageOrientationPatient"),
        ("spacing", "PixelSpacing"),
    ],
)
def test_what_is_missing_is_named(field, keyword):
    slices = [*stack(0, 2), one_slice("odd.dcm", 4.0, **{field: None})]
    with pytest.raises(GeometryError, match=rf"odd\.dcm: {keyword} is missing"):
        order_slices(slices)


@pytest.mark.parametrize("cosines", [[1, 0, 0, 1, 0, 0], [2, 0, 0, 0, 1, 0], [0] * 6])
def test_directions_must_be_perpendicular_unit_vectors(cosines):
    with pytest.raises(GeometryError, match="expected two perpendicular unit vectors"):
        order_slices(stack(0, 2, orientation=np.array(cosines, float)))


def test_a_spacing_of_zero_is_refused():
    with pytest.raises(GeometryError, match=r"PixelSpacing is \[0\.0, 1\.0\], expected above 0"):
        order_slices(stack(0, 2, spacing=np.array([0.0, 1.0])))


def test_an_x_ray_with_spacing_lies_in_mm():
    grid = series_grid([one_slice("x.dcm", 0.0, position=None, orientation=None)])
    assert grid.shape == (4, 3)
    assert grid.unit == "mm"
    assert grid.spacing == pytest.approx((0.25, 0.5))


def test_an_x_ray_without_spacing_lies_in_pixels():
    grid = series_grid([one_slice("x.dcm", 0.0, position=None, spacing=None)])
    assert grid.unit == "px"


@pytest.mark.parametrize("spacing", [(0.0, 0.2), (0.2, -0.2)])
def test_a_picture_with_pixels_of_no_size_is_refused(spacing):
    picture = one_slice("x.dcm", 0.0, position=None, spacing=np.array(spacing))
    with pytest.raises(GeometryError, match=r"x\.dcm: PixelSpacing is \[.*expected above 0 mm"):
        series_grid([picture])
    whole = one_slice("x.dcm", 0.0, position=None, spacing=np.array([0.2, 0.3]))
    assert series_grid([whole]).spacing == pytest.approx((0.3, 0.2))
