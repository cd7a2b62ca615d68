from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.phantoms.anatomy import LAYERS, SCLERA
from lamina.phantoms.oct_scan import CIRRUS
from lamina.phantoms.optics import coverage, draw_image, draw_shadows, draw_speckle, reflect

GRID = tuple(np.meshgrid(np.linspace(-1.5, 1.5, 31), np.linspace(-0.8, 0.8, 9), indexing="ij"))
QUIET = replace(CIRRUS, signal_sd=0, vessels=0, attenuation=0)
SPACING = (24.0, 3.9, 120.0)


def flat(value, shape=(3, 2)):
    return np.full(shape, value, np.float32)


@settings(max_examples=60, deadline=None)
@given(top=st.floats(-5, 25), thickness=st.floats(0, 30))
def test_coverage_is_the_length_within_the_volume(top, thickness):
    part = coverage(flat(top), flat(top + thickness), 20)
    inside = max(0, min(top + thickness, 19.5) - max(top, -0.5))
    assert part.shape == (3, 20, 2)
    assert part.min() >= 0
    assert part.max() <= 1
    np.testing.assert_allclose(part.sum(1), inside, atol=1e-4)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-3, 23), min_size=2, max_size=6))
def test_neighbours_share_voxels_without_rest(tops):
    edges = [flat(-10), *map(flat, sorted(tops)), flat(40)]
    parts = [coverage(a, b, 20) for a, b in pairwise(edges)]
    np.testing.assert_allclose(sum(parts), 1, atol=1e-5)


def test_coverage_of_an_endless_layer():
    part = coverage(flat(4.25), flat(np.inf), 8)
    assert part[0, :, 0].tolist() == [0, 0, 0, 0, 0.25, 1, 1, 1]


def test_each_layer_reflects_as_the_table_says():
    surfaces = np.stack([flat(2 + 2 * i - 0.5) for i in range(len(LAYERS) + 1)])
    power, texture = reflect(surfaces, 2 * len(LAYERS) + 6)
    decibel = 10 * np.log10(power[1, :, 1])
    expected = [layer.reflectivity for layer in (*LAYERS, SCLERA)]
    np.testing.assert_allclose(decibel[2:-2:2], expected, atol=0.02)
    assert (decibel[:2] < -19).all()
    assert texture[0, 2, 0] == pytest.approx(LAYERS[0].texture)
    assert (texture[:, :2] == 0).all()


def test_a_thin_layer_is_seen_by_its_share():
    surfaces = np.stack([flat(i + 4.5) for i in range(len(LAYERS) + 1)])
    surfaces[1:] -= 0.75  # a quarter of a voxel is left for the first layer
    power, _ = reflect(surfaces, 30)
    first, second = (10 ** (layer.reflectivity / 10) for layer in LAYERS[:2])
    assert power[0, 5, 0] == pytest.approx(first / 4 + second * 3 / 4, rel=0.01)


def test_speckle_is_fully_developed():
    speckle = draw_speckle(np.random.default_rng(0), (80, 90, 10), (0.5, 0.7, 0.0))
    assert speckle.mean() == pytest.approx(1, abs=0.02)
    assert speckle.std() == pytest.approx(1, abs=0.03)  # contrast 1
    for level in (0.2, 1.0, 3.0):
        assert (speckle > level).mean() == pytest.approx(np.exp(-level), abs=0.015)


def test_speckle_is_correlated_as_the_point_spread():
    speckle = draw_speckle(np.random.default_rng(1), (150, 160, 4), (1.0, 2.0, 0.0)) - 1
    for axis, sigma in ((0, 1.0), (1, 2.0)):
        lines = np.moveaxis(speckle, axis, 0)
        for distance in (1, 2):
            found = (lines[distance:] * lines[:-distance]).mean() / speckle.var()
            assert found == pytest.approx(np.exp(-(distance**2) / (2 * sigma**2)), abs=0.05)
    assert abs((speckle[..., 1:] * speckle[..., :-1]).mean()) < 0.05  # B-scans are independent


def test_shadows_are_at_most_as_deep_as_asked_and_leave_the_fovea_free():
    scan = replace(CIRRUS, vessels=30.0, shadow=9.0)
    loss = draw_shadows(np.random.default_rng(0), GRID, scan)
    assert loss.shape == (31, 9)
    assert loss.min() >= 0
    assert 6 < loss.max() <= 9
    assert loss[15, 4] == 0


def test_without_vessels_there_is_no_shadow():
    assert not draw_shadows(np.random.default_rng(0), GRID, QUIET).any()


def draw(power, scan=QUIET, depth=None, seed=0):
    shape = (31, 120, 9)
    reflected = (np.full(shape, power, np.float32), np.zeros(shape, np.float32))
    depth = np.full(shape, -1.0, np.float32) if depth is None else depth
    return draw_image(np.random.default_rng(seed), GRID, reflected, depth, SPACING, scan)


def test_picture_is_the_logarithm_of_the_power():
    """Fully developed speckle lowers the mean logarithm by Euler's constant."""
    for power in (1e3, 1e4):
        level = draw(power).mean() / QUIET.gain
        assert level == pytest.approx(np.log(4 * power) - np.euler_gamma, abs=0.03)
        assert draw(power).std() / QUIET.gain == pytest.approx(np.pi / np.sqrt(6), abs=0.05)


def test_noise_floor_remains_without_signal():
    image = draw(0.0)
    assert image.dtype == np.uint8
    assert image.mean() == pytest.approx(27, abs=2)
    assert draw(0.0, replace(QUIET, noise=6)).mean() > image.mean() + 10


def test_grey_levels_are_clipped_not_wrapped():
    assert draw(1e9).max() == 255
    assert (draw(1e9) > 200).all()


def test_attenuation_grows_with_depth_below_the_surface_only():
    depth = np.broadcast_to(np.linspace(-0.5, 0.5, 120)[None, :, None], (31, 120, 9))
    image = draw(1e4, replace(QUIET, attenuation=20.0), depth.astype(np.float32))
    rows = image.mean((0, 2)) / QUIET.gain
    above, middle, bottom = rows[:50].mean(), rows[85:95].mean(), rows[-10:].mean()
    assert above == pytest.approx(np.log(4e4) - np.euler_gamma, abs=0.05)
    in_nepers = np.log(10) / 10
    assert above - middle == pytest.approx(20 * 0.252 * in_nepers, abs=0.15)
    assert above - bottom == pytest.approx(20 * 0.481 * in_nepers, abs=0.15)


def test_signal_differs_between_volumes():
    scan = replace(QUIET, signal_sd=2.0)
    levels = [draw(1e3, scan, seed=seed).mean() / scan.gain for seed in range(40)]
    assert np.std(levels) * 10 / np.log(10) == pytest.approx(2, abs=0.6)
