import numpy as np
import pytest

from lamina.phantoms.electrodes import CONTACTS, draw_array

SEEDS = range(8)


@pytest.mark.parametrize("seed", SEEDS)
def test_contacts_lie_on_the_line_apart_from_each_other(seed):
    line, contacts = draw_array(np.random.default_rng(seed), np.array([1.0, -2.0, 3.0]))
    assert contacts.shape == (CONTACTS, 3)
    assert all((np.abs(line - one).sum(axis=1) == 0).any() for one in contacts)
    gaps = np.linalg.norm(np.diff(contacts, axis=0), axis=1)
    assert gaps.min() > 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_the_line_has_no_gaps_and_stays_near_the_centre(seed):
    centre = np.array([5.0, 6.0, -7.0])
    line, _ = draw_array(np.random.default_rng(seed), centre)
    assert np.linalg.norm(np.diff(line, axis=0), axis=1).max() < 0.4
    assert np.linalg.norm(line - centre, axis=1).max() < 8


def test_the_axis_lies_near_front_to_back():
    depth = []
    for seed in SEEDS:
        _, contacts = draw_array(np.random.default_rng(seed), np.zeros(3))
        _, _, axes = np.linalg.svd(contacts - contacts.mean(0))
        depth.append(abs(axes[2, 1]))
    assert min(depth) > 0.75
