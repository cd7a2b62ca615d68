"""From what a mask's file holds (codes, grey values, colours) to class values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamina.errors import ConfigError, ReadError

_LARGEST_CODE = 2**31 - 1


def code_table(values: Mapping[str, int]) -> tuple[dict[int, int], bool]:
    """Return {code: class value}, and whether the codes are colours (0xRRGGBB).

    Raises
    ------
    ConfigError
        If a key is neither a whole number nor a colour, or both kinds are mixed.

    Examples
    --------
    >>> code_table({"0": 0, "255": 1})
    ({0: 0, 255: 1}, False)
    >>> code_table({"#000000": 0, "255,0,0": 1})
    ({0: 0, 16711680: 1}, True)
    """
    kinds = {_is_color(key) for key in values}
    if len(kinds) != 1:
        raise ConfigError(
            f"task#values: {list(values)}, expected all grey values or all colours",
            'write {"0": 0, "255": 1} or {"#000000": 0, "#ff0000": 1}',
        )
    return {_parse_code(key): int(value) for key, value in values.items()}, kinds.pop()


def map_codes(
    codes: NDArray[np.integer], table: Mapping[int, int], path: Path, colors: bool
) -> NDArray[np.int32]:
    """Return the class value of each code.

    Raises
    ------
    ReadError
        If a code is not in the table; the message names the file and the codes.
    """
    known = np.array(sorted(table))
    places = np.minimum(np.searchsorted(known, codes), len(known) - 1)
    strange = codes[known[places] != codes]
    if strange.size:
        raise ReadError(
            f"{path}: values {format_codes(distinct_values(strange), colors)} are not among "
            f"{format_codes(known, colors)}",
            "add them to the task's values, or correct the mask",
        )
    return np.array([table[int(code)] for code in known], dtype=np.int32)[places]


def whole_numbers(values: NDArray[Any], path: Path) -> NDArray[np.int32]:
    """Return a mask's values as integers.

    Raises
    ------
    ReadError
        If a value is not a whole number; the message names the file and the values.
    """
    numbers = np.asarray(values, dtype=np.float64)
    # NaN and infinity fail the comparison too.
    strange = values[~((numbers == np.round(numbers)) & (np.abs(numbers) <= _LARGEST_CODE))]
    if strange.size:
        raise ReadError(
            f"{path}: a mask with values {format_codes(np.unique(strange))}, "
            "expected whole numbers",
            "save labels as integers, without resampling by interpolation",
        )
    return values.astype(np.int32)


def distinct_values(values: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return the values that occur, in order; fast for the small ones of labels.

    >>> distinct_values(np.array([3, 0, 3])).tolist()
    [0, 3]
    """
    if values.size and values.min() >= 0 and values.max() < 65536:
        return np.flatnonzero(np.bincount(values.ravel()))
    return np.unique(values)


def format_codes(codes: NDArray[Any], colors: bool = False, most: int = 8) -> str:
    """Return codes as a list for people, shortened to ``most``.

    >>> format_codes(np.arange(10), most=3), format_codes(np.array([255]), colors=True)
    ('0, 1, 2 … (10 in all)', '#0000ff')
    """
    texts = [f"#{int(code):06x}" if colors else f"{code:g}" for code in codes[:most]]
    more = f" … ({len(codes)} in all)" if len(codes) > most else ""
    return ", ".join(texts) + more


def _is_color(key: str) -> bool:
    return key.startswith("#") or "," in key


def _parse_code(key: str) -> int:
    try:
        if key.startswith("#") and len(key) == 7:
            return int(key[1:], 16)
        if "," in key:
            red, green, blue = bytes(int(part) for part in key.split(","))
            return red << 16 | green << 8 | blue
        return int(key)
    except ValueError as error:
        raise ConfigError(
            f"task#values: {key!r} is neither a whole number nor a colour",
            'write "255", "#ff0000" or "255,0,0"',
        ) from error
