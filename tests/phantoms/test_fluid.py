import numpy as np
import pytest

from lamina.phantoms.anatomy import LAYERS
from lamina.phantoms.fluid import HOSTS, Pocket, draw_pockets, fluid_spans
from lamina.phantoms.surfaces import add_pockets

GRID = tuple(np.meshgrid(np.linspace(-1.5, 1.5, 61), np.linspace(-0.8, 0.8, 17), indexing="ij"))


def surfaces_with(pockets, thickness=20.0):
    thicknesses = add_pockets(np.full((len(LAYERS), 61, 17), thickness), pockets)
    return np.concatenate([np.zeros((1, 61, 17)), np.cumsum(thicknesses, axis=0)])


def pocket_in(host, height=50.0):
    heights = np.zeros((61, 17))
    heights[20:31, 4:9] = height
    return Pocket(host, heights)


def test_number_of_pockets_is_poisson():
    counts = [len(draw_pockets(np.random.default_rng(i), GRID, 2.5)) for i in range(400)]
    assert np.mean(counts) == pytest.approx(2.5, abs=0.3)
    assert np.var(counts) == pytest.approx(2.5, abs=0.6)


def test_pockets_are_within_the_sizes_of_their_host():
    pockets = [p for i in range(60) for p in draw_pockets(np.random.default_rng(i), GRID, 3.0)]
    assert {pocket.host for pocket in pockets} == set(HOSTS)
    for pocket in pockets:
        assert pocket.height.min() == 0
        assert pocket.height.max() <= pocket.host.heights[1]
        x, z = (axis[pocket.height > 0] for axis in GRID)
        if x.size:
            assert np.ptp(x) <= 2 * pocket.host.widths[1]
            assert np.ptp(z) <= 2 * pocket.host.widths[1]


def test_hosts_are_nuclear_layers_and_the_photoreceptors():
    assert [LAYERS[host.layer].name for host in HOSTS] == ["INL", "ONL", "IZ"]


@pytest.mark.parametrize("host", HOSTS)
def test_a_pocket_lies_in_its_host_and_has_its_height(host):
    pocket = pocket_in(host)
    surfaces = surfaces_with([pocket])
    (span,) = fluid_spans(surfaces, [pocket])
    np.testing.assert_allclose(span.bottom - span.top, pocket.height)
    assert (span.top >= surfaces[host.layer]).all()
    assert (span.bottom <= surfaces[host.layer + 1] + 1e-9).all()
    np.testing.assert_allclose(span.top - surfaces[host.layer], 20 * host.depth)


def test_subretinal_fluid_rests_on_the_pigment_epithelium():
    pocket = pocket_in(HOSTS[2])
    surfaces = surfaces_with([pocket])
    (span,) = fluid_spans(surfaces, [pocket])
    np.testing.assert_allclose(span.bottom, surfaces[HOSTS[2].layer + 1])


def test_pockets_of_one_host_are_one_span_and_others_are_apart():
    pockets = [pocket_in(HOSTS[0], 10.0), pocket_in(HOSTS[0], 15.0), pocket_in(HOSTS[1], 30.0)]
    spans = fluid_spans(surfaces_with(pockets), pockets)
    assert [(span.bottom - span.top).max() for span in spans] == [25.0, 30.0]
    assert (spans[0].bottom <= spans[1].top).all()


def test_no_pocket_no_span():
    assert fluid_spans(surfaces_with([]), []) == []
