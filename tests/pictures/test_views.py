import itertools

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.pictures.views import PLANES, View, choose_view, choose_views, plane_axes

SHAPE = (10, 20, 30)
# What an axis of the picture must run towards, by the letter of its axis.
RIGHTWARDS = {"R": "L", "L": "L", "A": "P", "P": "P"}
DOWNWARDS = {"S": "I", "I": "I", "A": "P", "P": "P"}
ORIENTATIONS = [
    "".join(letters)
    for axes in itertools.permutations(("LR", "PA", "IS"))
    for letters in itertools.product(*axes)
]


def affine_of(codes):
    """An affine of those axis codes, a little oblique, with a spacing of its own for each axis."""
    orientation = nib.orientations.axcodes2ornt(codes)
    turn = np.zeros((4, 4))
    for axis, (world, sign) in enumerate(orientation):
        turn[int(world), axis] = sign * (axis + 1)
    turn[3, 3] = 1
    angle = 0.15
    oblique = np.eye(4)
    oblique[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return oblique @ turn


def directions(view, codes):
    """The patient's directions towards which the picture's rows and columns run."""
    opposite = dict(zip("LRPAIS", "RLAPSI", strict=True))
    return tuple(
        opposite[codes[axis]] if flip else codes[axis]
        for axis, flip in zip(view.axes, view.flipped, strict=True)
    )


@pytest.mark.parametrize("codes", ORIENTATIONS)
@pytest.mark.parametrize("slice_axis", [0, 1, 2])
def test_radiological_whatever_the_orientation(codes, slice_axis):
    view = choose_view(np.ones(SHAPE, dtype=bool), affine_of(codes), slice_axis)
    down, right = directions(view, codes)
    assert down == DOWNWARDS[down]
    assert right == RIGHTWARDS[right]
    assert view.through[0] == slice_axis
    assert set(view.axes) == {0, 1, 2} - {slice_axis}


@pytest.mark.parametrize("codes", ["RAS", "LPS", "ASR", "PIL", "SAL"])
def test_an_object_in_space_is_seen_where_radiologists_expect_it(codes):
    """A spot at the patient's left and front lies in the right upper corner of an axial slice."""
    affine = affine_of(codes)
    centre = affine @ [*(np.array(SHAPE) / 2), 1]
    reach = np.abs(affine[:3, :3]).sum(axis=1) / 2 * min(SHAPE) * 0.4
    spot = centre[:3] + [-reach[0], reach[1], 0]
    place = np.rint((np.linalg.inv(affine) @ [*spot, 1])[:3]).astype(int)
    volume = np.zeros(SHAPE)
    volume[tuple(place)] = 1
    through = next(axis for axis, code in enumerate(codes) if code in "SI")
    view = choose_view(volume > 0, affine, through)
    picture = view.show(volume)
    row, column = np.argwhere(picture)[0]
    assert row < picture.shape[0] / 2
    assert column > picture.shape[1] / 2


@given(st.integers(0, 2), st.data())
@settings(deadline=None, max_examples=30)
def test_the_slice_with_most_foreground_is_shown(slice_axis, data):
    index = data.draw(st.integers(0, SHAPE[slice_axis] - 1))
    foreground = np.zeros(SHAPE, dtype=bool)
    foreground[0, 0, 0] = True
    foreground.swapaxes(0, slice_axis)[index, :3, :3] = True
    view = choose_view(foreground, affine_of("LSA"), slice_axis)
    assert view.through == (slice_axis, index)
    assert view.show(foreground).sum() == foreground.take(index, slice_axis).sum()


def test_without_foreground_the_middle_is_shown():
    assert choose_view(np.zeros(SHAPE, dtype=bool)).through == (2, 15)


def test_the_last_axis_runs_through_the_slices_by_default():
    assert choose_view(np.ones(SHAPE, dtype=bool), np.eye(4)).through[0] == 2


def test_a_picture_is_shown_as_it_lies_whatever_its_affine():
    picture = np.arange(6).reshape(3, 2)
    for affine in (None, np.eye(4), np.diag([-1.0, -1.0, 1.0, 1.0]), np.eye(3)):
        view = choose_view(picture > 0, affine)
        assert np.array_equal(view.show(picture), picture.T)


def test_a_volume_without_affine_is_shown_as_it_lies():
    volume = np.random.default_rng(0).random(SHAPE)
    view = choose_view(volume > 2)
    assert np.array_equal(view.show(volume), volume[:, :, 15].T)


def test_pixels_have_the_size_of_the_axes_that_are_shown():
    view = choose_view(np.ones(SHAPE, dtype=bool), affine_of("RAS"), slice_axis=1)
    assert view.pixel_size((1.0, 2.0, 3.0)) == (3.0, 1.0)
    assert view.show(np.zeros(SHAPE)).shape == (30, 10)


@pytest.mark.parametrize("flipped", itertools.product([False, True], repeat=2))
def test_flips_are_their_own_inverse(flipped):
    picture = np.random.default_rng(0).random((3, 4))
    view = View(axes=(0, 1), flipped=flipped)
    assert np.array_equal(view.show(view.show(picture)), picture)


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_three_planes_whatever_the_orientation(codes):
    axes = plane_axes(affine_of(codes))
    for name, letters in zip(PLANES, ("LR", "PA", "IS"), strict=True):
        assert codes[axes[name]] in letters
    views = choose_views(np.ones(SHAPE, dtype=bool), affine_of(codes))
    assert {name: view.through[0] for name, view in views.items()} == axes
    assert next(iter(views.values())).through[0] == 2


def test_each_plane_has_a_name_of_its_own_however_oblique_the_image_is():
    """At 45° the direction that is largest in a column is the same for two axes."""
    half = np.sqrt(0.5)
    affine = np.eye(4)
    affine[:2, :2] = [[half, half], [half - 1e-9, -half]]
    assert sorted(plane_axes(affine).values()) == [0, 1, 2]


def test_each_plane_shows_the_slice_with_most_foreground():
    foreground = np.zeros(SHAPE, dtype=bool)
    foreground[7, 3, :20] = foreground[:, 3, 4] = True
    foreground[7, :, 4] = True
    views = choose_views(foreground, np.eye(4))
    assert {name: view.through for name, view in views.items()} == {
        "axial": (2, 4),
        "coronal": (1, 3),
        "sagittal": (0, 7),
    }


def test_of_a_scan_the_fullest_slice_and_those_at_its_quarters():
    foreground = np.zeros(SHAPE, dtype=bool)
    foreground[2:4, 3, 8:16] = True
    foreground[2:9, 3, 13] = True
    views = choose_views(foreground)
    assert list(views) == ["slice 14 of 30", "slice 11 of 30", "slice 15 of 30"]
    assert [view.index for view in views.values()] == [13, 10, 14]


def test_a_scan_of_one_slice_and_an_empty_one_have_one_view():
    assert list(choose_views(np.ones((4, 5, 1)))) == ["slice 1 of 1"]
    assert list(choose_views(np.zeros(SHAPE))) == ["slice 16 of 30"]
    assert list(choose_views(np.ones((4, 5)), np.eye(4))) == [""]
