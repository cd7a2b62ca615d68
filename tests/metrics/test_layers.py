import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.errors import GeometryError
from lamina.metrics.layers import layer_scores

SHAPE = (5, 16, 3)


def layer(tops, bottoms, shape=SHAPE):
    """A layer between two surfaces (x, z), with its depth along axis 1."""
    depth = np.arange(shape[1])[None, :, None]
    return (depth >= np.asarray(tops)[:, None]) & (depth < np.asarray(bottoms)[:, None])


@st.composite
def surfaces(draw):
    """Top and bottom of a layer that may be of thickness 0 in places."""
    size = SHAPE[0] * SHAPE[2]
    tops = draw(st.lists(st.integers(0, 10), min_size=size, max_size=size))
    thick = draw(st.lists(st.integers(0, 5), min_size=size, max_size=size))
    tops = np.reshape(tops, (SHAPE[0], SHAPE[2]))
    return tops, tops + np.reshape(thick, tops.shape)


def one_by_one(predicted, true):
    """Errors of each A-scan from its surfaces, as the rule says them."""
    boundary, thickness = [], []
    for top_p, bottom_p, top_t, bottom_t in zip(*map(np.ravel, (*predicted, *true)), strict=True):
        thick_p, thick_t = bottom_p - top_p, bottom_t - top_t
        if thick_p == thick_t == 0:
            continue
        thickness.append(abs(thick_p - thick_t))
        if thick_p and thick_t:
            boundary.append((abs(top_p - top_t) + abs(bottom_p - bottom_t)) / 2)
        else:
            boundary.append(max(thick_p, thick_t))
    return boundary, thickness


@given(surfaces(), surfaces())
def test_equals_the_errors_of_the_surfaces(predicted, true):
    scores = layer_scores(layer(*predicted), layer(*true), depth_axis=1, depth_spacing=4.0)
    boundary, thickness = one_by_one(predicted, true)
    in_both = [(surface[1] > surface[0]).any() for surface in (predicted, true)]
    if not any(in_both):
        assert np.isnan(list(scores.values())).all()
        return
    expected = np.mean(boundary) if all(in_both) else SHAPE[1]
    assert scores["boundary_error"] == pytest.approx(4 * expected)
    assert scores["thickness_error"] == pytest.approx(4 * np.mean(thickness))


@given(surfaces(), surfaces())
def test_symmetric(predicted, true):
    masks = layer(*predicted), layer(*true)
    there = layer_scores(*masks, depth_axis=1, depth_spacing=1.0)
    back = layer_scores(*masks[::-1], depth_axis=1, depth_spacing=1.0)
    assert there == pytest.approx(back, nan_ok=True)


@given(surfaces(), surfaces(), st.permutations(range(3)))
def test_any_axis_may_be_the_depth(predicted, true, order):
    masks = layer(*predicted), layer(*true)
    turned = [mask.transpose(order) for mask in masks]
    assert layer_scores(*turned, order.index(1), 1.0) == pytest.approx(
        layer_scores(*masks, 1, 1.0), nan_ok=True
    )


@pytest.mark.parametrize("shift", [1, 3, -2])
def test_a_shifted_layer_keeps_its_thickness(shift):
    tops = np.full((5, 3), 6)
    scores = layer_scores(layer(tops + shift, tops + shift + 4), layer(tops, tops + 4), 1, 3.9)
    assert scores["boundary_error"] == pytest.approx(3.9 * abs(shift))
    assert scores["thickness_error"] == 0


def test_a_thicker_layer():
    tops = np.full((5, 3), 6)
    scores = layer_scores(layer(tops, tops + 6), layer(tops, tops + 4), 1, 10.0)
    assert scores == {"boundary_error": 10.0, "thickness_error": 20.0}


def test_one_more_column_of_one_voxel_costs_a_voxel_there():
    tops = np.full((5, 3), 6)
    bottoms = tops + 4
    true = bottoms.copy()
    true[0, 0] = 6
    predicted = bottoms.copy()
    predicted[0, 0] = 7
    scores = layer_scores(layer(tops, predicted), layer(tops, true), 1, 15.0)
    assert scores == {"boundary_error": pytest.approx(1.0), "thickness_error": pytest.approx(1.0)}


@pytest.mark.parametrize("missed", [True, False])
def test_missed_and_false_have_the_depth_of_the_image(missed):
    tops = np.full((5, 3), 6)
    there, empty = layer(tops, tops + 4), np.zeros(SHAPE, dtype=bool)
    masks = (empty, there) if missed else (there, empty)
    assert layer_scores(*masks, 1, 2.0) == {"boundary_error": 32.0, "thickness_error": 8.0}


def test_an_island_counts_for_the_boundary_and_little_for_the_thickness():
    tops = np.full((5, 3), 2)
    true = layer(tops, tops + 4)
    predicted = true.copy()
    predicted[:, 13] = True
    assert layer_scores(predicted, true, 1, 1.0) == {"boundary_error": 4.0, "thickness_error": 1.0}


def test_in_a_plane():
    reference, prediction = np.zeros((2, 3, 8), dtype=bool)
    reference[:, 2:4], prediction[:, 2:5] = True, True
    assert layer_scores(prediction, reference, 1, 2.0)["thickness_error"] == 2.0


def test_other_shape_is_an_error():
    with pytest.raises(GeometryError):
        layer_scores(np.ones((2, 3), bool), np.ones((3, 2), bool), 1, 1.0)
