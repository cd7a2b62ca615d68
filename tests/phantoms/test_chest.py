import numpy as np
import pytest
from scipy.ndimage import label as components

from lamina.phantoms.chest import ChestVariety, make_chest_xray

SIZE = (160, 200)


@pytest.fixture(scope="module")
def made():
    return [make_chest_xray((0, number), SIZE) for number in range(8)]


def test_values_and_shapes(made):
    for one in made:
        assert one.image.shape == one.left.shape == one.right.shape == one.nodules.shape == SIZE
        assert one.image.dtype == np.float32
        assert 0 <= one.image.min() < 0.1
        assert 0.5 < one.image.max() <= 1


def test_two_lungs_each_in_one_part_and_on_its_side(made):
    for one in made:
        assert not (one.left & one.right).any()
        for lung in (one.left, one.right):
            assert 0.06 < lung.mean() < 0.25
            assert components(lung)[1] == 1
        # The patient's left is on the picture's right.
        assert np.nonzero(one.left)[0].mean() > np.nonzero(one.right)[0].mean() + 0.3 * SIZE[0]


def test_lungs_are_dark(made):
    for one in made:
        lungs = one.left | one.right
        body = one.image > 0.15
        assert one.image[lungs].mean() < 0.8 * one.image[body & ~lungs].mean()


def test_nodules_lie_in_lungs_and_are_brighter_than_what_is_around(made):
    differences = []
    for one in made:
        assert not (one.nodules & ~(one.left | one.right)).any()
        if one.nodules.any():
            lungs = (one.left | one.right) & ~one.nodules
            differences.append(one.image[one.nodules].mean() - one.image[lungs].mean())
    assert len(differences) >= 3
    assert np.mean(differences) > 0.05


def test_no_nodules_where_none_are_wanted():
    assert not make_chest_xray(0, SIZE, ChestVariety(nodules=0)).nodules.any()


def test_patients_differ_and_a_seed_gives_the_same(made):
    np.testing.assert_array_equal(make_chest_xray((0, 1), SIZE).image, made[1].image)
    overlap = (made[0].left & made[1].left).sum() / (made[0].left | made[1].left).sum()
    assert overlap < 0.95


def test_the_truth_does_not_depend_on_what_hides_it():
    plain = make_chest_xray(3, SIZE, ChestVariety(opacity=0.0, noise=0.0))
    hidden = make_chest_xray(3, SIZE, ChestVariety(opacity=0.6, noise=0.2))
    np.testing.assert_array_equal(plain.left, hidden.left)
    np.testing.assert_array_equal(plain.right, hidden.right)
