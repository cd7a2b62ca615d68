import numpy as np

from lamina.phantoms.streaks import metal_streaks


def rod(shape=(40, 31, 4), at=(20, 15)):
    metal = np.zeros(shape, dtype=np.float32)
    metal[at[0] - 1 : at[0] + 1, at[1] - 1 : at[1] + 1, 1:3] = 3000
    return metal


def test_without_metal_there_are_none():
    assert not metal_streaks(np.random.default_rng(0), np.zeros((12, 15, 3), np.float32)).any()


def test_they_leave_metal_and_other_slices_alone():
    metal = rod()
    made = metal_streaks(np.random.default_rng(0), metal)
    assert made.shape == metal.shape
    assert not made[..., 0].any()
    assert not made[..., 3].any()
    assert not made[metal > 0].any()


def test_they_are_strongest_near_the_metal():
    made = abs(metal_streaks(np.random.default_rng(0), rod())[..., 1])
    x, y = np.indices(made.shape)
    distance = np.hypot(x - 19.5, y - 14.5)
    assert made[(distance > 2) & (distance < 6)].mean() > 3 * made[distance > 12].mean() > 0


def test_they_follow_metal_that_lies_elsewhere():
    made = abs(metal_streaks(np.random.default_rng(0), rod(at=(8, 24)))[..., 1])
    middle = [
        float((made.sum(axis=1 - axis) * np.arange(n)).sum() / made.sum())
        for axis, n in ((0, 40), (1, 31))
    ]
    assert middle[0] < 15
    assert middle[1] > 18
