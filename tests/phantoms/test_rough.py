import numpy as np
import pytest

from lamina.phantoms.rough import rough_region


def disk(size=(120, 140), radius=40):
    x, y = np.indices(size)
    return np.hypot(x - size[0] / 2, y - size[1] / 2) < radius


def edge_distances(rough, region):
    """How far the rough edge lies outside (+) or inside (-) of the disk's."""
    x, y = np.indices(region.shape)
    distance = np.hypot(x - region.shape[0] / 2, y - region.shape[1] / 2)
    edge = rough & ~np.roll(rough, 1, 0) | rough & ~np.roll(rough, 1, 1)
    return distance[edge] - 40


def test_no_error_changes_nothing():
    region = disk()
    np.testing.assert_array_equal(rough_region(np.random.default_rng(0), region, 0.0), region)


@pytest.mark.parametrize("error", [0.01, 0.03])
def test_the_error_is_that_of_the_edge_in_parts_of_the_width(error):
    region = disk()
    rough = [rough_region(np.random.default_rng(seed), region, error) for seed in range(20)]
    off = np.concatenate([edge_distances(one, region) for one in rough])
    assert off.std() == pytest.approx(error * 120, rel=0.4)
    assert off.min() < -error * 120
    assert off.max() > error * 120


def test_it_depends_on_the_generator_alone():
    region = disk((60, 50), 20)
    first, again, other = (
        rough_region(np.random.default_rng(seed), region, 0.03) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
