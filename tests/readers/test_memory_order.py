import numpy as np
import pytest

from lamina.readers.memory_order import in_order

VOLUME = np.arange(3 * 4 * 5, dtype=np.int16).reshape(3, 4, 5)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    "values", [VOLUME, VOLUME.T, VOLUME[::-1, :, ::2], VOLUME[0], VOLUME[None]]
)
@pytest.mark.parametrize("dtype", [None, np.float32])
def test_values_stay_and_order_is_as_asked(values, order, dtype):
    turned = in_order(values, order, dtype)
    np.testing.assert_array_equal(turned, values)
    assert turned.flags[f"{order}_CONTIGUOUS"]
    assert turned.dtype == (dtype or values.dtype)


def test_what_is_right_already_is_not_copied():
    assert in_order(VOLUME, "C") is VOLUME
