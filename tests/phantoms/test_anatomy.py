from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.errors import ConfigError
from lamina.phantoms.anatomy import EIGHT_LAYERS, LAYERS, SCLERA, group_edges

NAMES = [layer.name for layer in LAYERS]


def test_layers_have_different_names_and_lie_above_the_sclera():
    assert len(set(NAMES)) == len(NAMES)
    assert SCLERA.name not in NAMES


@pytest.mark.parametrize("layer", LAYERS, ids=NAMES)
def test_every_layer_is_there_everywhere(layer):
    assert min(layer.fovea, layer.parafovea, layer.periphery) > 0


@pytest.mark.parametrize(("upper", "lower"), list(pairwise(LAYERS)))
def test_neighbours_differ_in_brightness(upper, lower):
    assert abs(upper.reflectivity - lower.reflectivity) >= 1


def test_eight_layers_are_all_layers():
    edges = group_edges(EIGHT_LAYERS)
    assert edges[0] == 0
    assert edges[-1] == len(LAYERS)
    assert len(edges) == 9


def test_single_layers_have_edges_one_by_one():
    assert group_edges({name: [name] for name in NAMES}) == list(range(len(NAMES) + 1))


@given(st.data())
def test_any_run_of_layers_can_be_grouped_anyhow(data):
    cuts = data.draw(st.sets(st.integers(0, len(NAMES)), min_size=2))
    edges = sorted(cuts)
    groups = {f"group {i}": NAMES[a:b] for i, (a, b) in enumerate(pairwise(edges))}
    assert group_edges(groups) == edges


@pytest.mark.parametrize(
    "layers",
    [
        {},
        {"NFL": []},
        {"NFL": ["RNFL"], "nothing": [], "GCL": ["GCL"]},
        {"GCL": ["GCL"], "NFL": ["RNFL"]},
        {"NFL": ["RNFL"], "IPL": ["IPL"]},
        {"NFL": ["RNFL"], "again": ["RNFL"]},
    ],
)
def test_groups_that_are_no_run_are_refused(layers):
    with pytest.raises(ConfigError, match="not an unbroken run"):
        group_edges(layers)


def test_unknown_layer_is_named_with_the_known_ones():
    with pytest.raises(ConfigError, match="layers: unknown NFL\n  → use RNFL, GCL"):
        group_edges({"NFL": ["NFL"]})
