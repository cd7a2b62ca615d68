from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.errors import ConfigError
from lamina.phantoms.anatomy import LAYERS
from lamina.phantoms.fluid import HOSTS, Pocket
from lamina.phantoms.oct_scan import CIRRUS
from lamina.phantoms.surfaces import add_pockets, draw_surfaces, draw_thicknesses, layer_thickness

GRID = tuple(np.meshgrid(np.linspace(-1.5, 1.5, 31), np.linspace(-0.8, 0.8, 9), indexing="ij"))
STILL = replace(
    CIRRUS,
    **dict.fromkeys(
        ["thickness_sd", "undulation_sd", "decentration_sd", "tilt_sd", "curvature_sd"], 0.0
    ),
    motion_sd=0.0,
    curvature=0.0,
)
BY_NAME = {layer.name: layer for layer in LAYERS}

# Xu et al. 2018, table 6: means in µm over the disc of 1 mm, the ring of 1 to 3 mm (superior,
# nasal, inferior, temporal averaged) and the ring of 3 to 6 mm.
PUBLISHED = {
    ("RNFL",): (10.78, 21.2, 35.4),
    ("GCL",): (12.31, 50.0, 37.0),
    ("IPL",): (18.28, 41.4, 30.3),
    ("INL",): (15.27, 38.8, 33.3),
    ("OPL",): (23.48, 33.0, 26.9),
    ("ONL",): (88.44, 67.6, 54.9),
    ("ELM", "myoid", "EZ", "OS", "IZ"): (72.7, 66.9, 65.4),
    ("RPE",): (17.5, 15.7, 13.9),
}


def ring_mean(names, inner, outer):
    steps = np.linspace(-outer, outer, 201)
    x, z = np.meshgrid(steps, steps, indexing="ij")
    inside = (np.hypot(x, z) >= inner) & (np.hypot(x, z) < outer)
    return sum(layer_thickness(BY_NAME[name], x, z)[inside].mean() for name in names)


@pytest.mark.parametrize("names", PUBLISHED, ids="+".join)
def test_thickness_is_near_the_published_one(names):
    disc, ring, outer_ring = PUBLISHED[names]
    assert ring_mean(names, 0, 0.5) == pytest.approx(disc, abs=2.5)
    assert ring_mean(names, 0.5, 1.5) == pytest.approx(ring, abs=2.5)
    assert ring_mean(names, 1.5, 3.0) == pytest.approx(outer_ring, abs=3.5)


def test_retina_has_a_pit_and_a_rim():
    x = np.array([0.0, 0.5, 1.1, 2.5])
    total = sum(layer_thickness(layer, x, np.zeros(4)) for layer in LAYERS[:-3])
    assert total[0] == pytest.approx(228, abs=12)  # the foveal centre is thinner than its disc, 257
    assert total[0] < total[1] < total[2] > total[3]


def test_nerve_fibres_thicken_towards_the_nose():
    temporal, nasal = layer_thickness(BY_NAME["RNFL"], np.array([-2.25, 2.25]), np.zeros(2))
    assert temporal == pytest.approx(19.2, abs=5)
    assert nasal == pytest.approx(46.1, abs=5)


@settings(deadline=None, max_examples=30)
@given(x=st.floats(-30, 30), z=st.floats(-30, 30), pit=st.floats(0.5, 2))
def test_no_layer_vanishes(x, z, pit):
    assert all(layer_thickness(layer, np.array(x), np.array(z), pit) > 0 for layer in LAYERS)


def test_eyes_differ_by_the_asked_amount():
    scan = replace(STILL, thickness_sd=0.2)
    factors = [
        draw_thicknesses(np.random.default_rng(i), GRID, scan)[10, 0, 0] / LAYERS[10].periphery
        for i in range(200)
    ]
    assert np.std(np.log(factors)) == pytest.approx(0.2, abs=0.05)


def test_right_and_left_eyes_mirror_each_other():
    eyes = [draw_thicknesses(np.random.default_rng(i), GRID, STILL)[0] for i in range(20)]
    rising = [eye[-1, 4] > eye[0, 4] for eye in eyes]
    assert 3 < sum(rising) < 17
    right, left = eyes[rising.index(True)], eyes[rising.index(False)]
    np.testing.assert_allclose(right, left[::-1])


def test_boundaries_are_smooth_along_a_b_scan():
    thicknesses = draw_thicknesses(np.random.default_rng(5), GRID, CIRRUS)
    surfaces = draw_surfaces(np.random.default_rng(5), GRID, thicknesses, 1000.0, CIRRUS)
    bend = np.diff(surfaces, 2, axis=1) / 0.1**2
    assert np.abs(bend).max() < 1500  # µm per mm²: radii above 0.6 mm even in the pit


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6))
def test_layers_keep_their_thickness_and_lie_within_the_volume(seed):
    rng = np.random.default_rng(seed)
    thicknesses = draw_thicknesses(rng, GRID, CIRRUS)
    surfaces = draw_surfaces(rng, GRID, thicknesses, 1100.0, CIRRUS)
    np.testing.assert_allclose(np.diff(surfaces, axis=0), thicknesses)
    assert surfaces.min() > 0
    assert surfaces.max() <= 1100


def test_choroid_leaves_a_shallow_volume_but_the_retina_does_not():
    thicknesses = draw_thicknesses(np.random.default_rng(0), GRID, STILL)
    surfaces = draw_surfaces(np.random.default_rng(0), GRID, thicknesses, 450.0, STILL)
    assert surfaces[-1].max() > 450
    assert surfaces[-3].max() <= 450


def test_volume_without_room_for_the_retina_is_refused():
    thicknesses = draw_thicknesses(np.random.default_rng(0), GRID, STILL)
    with pytest.raises(ConfigError, match=r"the volume is 1 µm deep, the retina needs 3\d\d"):
        draw_surfaces(np.random.default_rng(0), GRID, thicknesses, 1.0, STILL)


def test_membrane_follows_tilt_curvature_and_motion():
    thicknesses = np.full((len(LAYERS), 31, 9), 20.0)

    def membrane(**numbers):
        scan = replace(STILL, **numbers)
        surfaces = draw_surfaces(np.random.default_rng(3), GRID, thicknesses, 1000.0, scan)
        return surfaces[13]

    assert np.ptp(membrane()) < 1e-9
    assert np.ptp(np.diff(membrane(tilt_sd=50.0), axis=0)) < 1e-9
    assert (np.diff(membrane(curvature=30.0)[:, 4], 2) < 0).all()  # the edges rise: smaller depth
    jumps = np.diff(membrane(motion_sd=6.0), axis=1)
    assert np.ptp(jumps, axis=0).max() < 1e-9
    assert len(np.unique(jumps[0].round(6))) == 8


def test_position_differs_between_volumes():
    tops = [
        draw_surfaces(
            np.random.default_rng(i), GRID, np.full((len(LAYERS), 31, 9), 20.0), 900.0, STILL
        )[0, 0, 0]
        for i in range(100)
    ]
    assert np.ptp(tops) > 400


def test_pockets_thicken_their_host_only():
    thicknesses = np.full((len(LAYERS), 31, 9), 20.0)
    height = np.random.default_rng(0).uniform(0, 50, (31, 9))
    swollen = add_pockets(thicknesses, [Pocket(HOSTS[1], height), Pocket(HOSTS[1], height)])
    np.testing.assert_allclose(swollen[HOSTS[1].layer], 20 + 2 * height)
    assert (np.delete(swollen, HOSTS[1].layer, axis=0) == 20).all()
    assert (thicknesses == 20).all()


def test_a_single_column_and_a_single_b_scan_are_possible():
    for shape in ((1, 9), (31, 1)):
        grid = tuple(axis[: shape[0], : shape[1]] for axis in GRID)
        assert draw_thicknesses(np.random.default_rng(0), grid, CIRRUS).shape[1:] == shape
