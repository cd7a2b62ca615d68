"""Turning volumes from the order of NIfTI and ITK files (x fastest) to numpy's (z fastest)."""

from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray


def in_order(
    values: NDArray[Any], order: Literal["C", "F"], dtype: DTypeLike | None = None
) -> NDArray[Any]:
    """Return an array in C or Fortran order, of another type if asked.

    A volume is turned plane by plane, which stays in the processor's cache: several times as fast
    as ``numpy.asfortranarray``.

    Examples
    --------
    >>> turned = in_order(np.ones((3, 4, 5), np.int16), "F", np.float32)
    >>> turned.flags.f_contiguous, turned.dtype
    (True, dtype('float32'))
    """
    dtype = np.dtype(dtype or values.dtype)
    done = values.flags.c_contiguous if order == "C" else values.flags.f_contiguous
    if values.ndim != 3 or done:
        return np.asarray(values, dtype=dtype, order=order)
    turned = np.empty(values.shape, dtype, order)
    for plane in range(values.shape[1]):
        turned[:, plane] = values[:, plane]
    return turned
