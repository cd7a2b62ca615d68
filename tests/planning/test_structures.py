import numpy as np
import pytest

from lamina.planning.structures import edge_value, structures_in, values_between


def test_sizes_parts_and_centres():
    label = np.zeros((10, 20, 30), np.int32)
    label[2:4, 5:9, 6:12] = 4
    label[7, 15, 25] = 4
    label[0, 0, 0] = 9
    found = structures_in(label, 0)
    assert found.keys() == {4, 9}
    assert (found[4].voxels, found[4].parts) == (2 * 4 * 6 + 1, 2)
    assert found[9].centre == (0, 0, 0)
    where = np.argwhere(label == 4).mean(axis=0) / label.shape
    assert found[4].centre == pytest.approx(where)


def test_parts_that_touch_by_a_corner_are_two():
    label = np.eye(2, dtype=np.int32)
    assert structures_in(label, 0)[1].parts == 2


def test_the_edge_is_that_of_each_slice():
    label = np.zeros((6, 7, 3), np.int32)
    label[1:-1, 1:-1] = 5
    label[..., 0] = 5
    assert edge_value(label) == 0
    assert edge_value(label[..., 0]) == 5


def test_a_smooth_ramp_has_values_between_and_a_step_none():
    ramp = np.zeros((20, 20), np.int32)
    ramp[10:] = 200
    assert values_between(ramp) == ()
    ramp[10] = 90
    assert values_between(ramp) == (90,)
