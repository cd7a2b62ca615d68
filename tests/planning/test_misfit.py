import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.planning.misfit import describe_misfit
from lamina.readers.grid import Grid, pixel_grid

OBLIQUE = np.array([[0.1, -1.5, 0, 20], [-1.0, 0.05, 0, 30], [0, 0, -3.0, 40], [0, 0, 0, 1]])
IMAGE = Grid((22, 26, 12), OBLIQUE)


@given(shift=st.floats(0, 0.05))
def test_what_fits_within_the_tolerance_is_no_misfit(shift):
    moved = OBLIQUE.copy()
    moved[0, 3] += shift
    assert describe_misfit(Grid(IMAGE.shape, moved), IMAGE) is None


def test_a_size_is_told_in_voxels():
    found = describe_misfit(Grid((22, 26, 11), OBLIQUE), IMAGE)
    assert found == "size 22×26×11 against 22×26×12 voxels"


def test_a_moved_origin_is_told_in_mm_and_voxels():
    moved = OBLIQUE.copy()
    moved[2, 3] += 6
    found = describe_misfit(Grid(IMAGE.shape, moved), IMAGE)
    assert found == "origin 6 mm (2 voxels) away"


def test_spacing_and_turned_axes():
    scaled = OBLIQUE @ np.diag([1, 1, 2, 1])
    assert "spacing 1.005 × 1.501 × 6 against 1.005 × 1.501 × 3 mm" in describe_misfit(
        Grid(IMAGE.shape, scaled), IMAGE
    )
    angle = np.radians(5)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    found = describe_misfit(Grid(IMAGE.shape, turn @ OBLIQUE), IMAGE)
    assert "axis x rotated by 5°" in found
    assert "axis y rotated by 5°" in found
    assert "axis z" not in found


@pytest.mark.parametrize(("axis", "name"), enumerate("xyz"))
def test_an_axis_that_runs_the_other_way(axis, name):
    mirrored = np.eye(4)
    mirrored[axis, axis] = -1
    found = describe_misfit(Grid(IMAGE.shape, OBLIQUE @ mirrored), IMAGE)
    assert f"axis {name} is reversed" in found
    assert found.count("reversed") == 1


def test_pictures_have_only_a_size():
    assert describe_misfit(pixel_grid((4, 5)), pixel_grid((4, 6))) == (
        "size 4×5 against 4×6 voxels"
    )
    assert describe_misfit(pixel_grid((4, 5, 3)), IMAGE) == ("size 4×5×3 against 22×26×12 voxels")
