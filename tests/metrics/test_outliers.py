import pytest

from lamina.metrics.outliers import unusually_high


def test_only_high_ones_are_unusual():
    values = [0.10, 0.11, 0.12, 0.13, 0.14, 0.9, -5.0]
    assert unusually_high(values) == [False] * 5 + [True, False]


def test_the_fence_is_tukeys():
    values = [0.0, 1.0, 2.0, 3.0, 4.0]
    # Quartiles 1 and 3: the fence stands at 6.
    assert not any(unusually_high(values))
    assert unusually_high([*values[:4], 6.0]) == [False] * 5
    assert unusually_high([*values[:4], 6.1])[-1]


@pytest.mark.parametrize("values", [[], [0.1], [0.1, 0.1, 0.1, 9.0]])
def test_of_few_none_is(values):
    assert unusually_high(values) == [False] * len(values)
