"""From what a mask's file holds (codes, grey values, colours) to class values."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamina.errors import ConfigError, ReadError
from lamina.tasks.labels import class_value

_LARGEST_CODE = 2**31 - 1
_ROUNDING = 1e-4


def code_table(values: Mapping[str, int | str]) -> tuple[dict[int, int], bool]:
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
    return {_parse_code(key): class_value(value) for key, value in values.items()}, kinds.pop()


_FROM = ">="


def threshold_values(threshold: float) -> dict[str, int | str]:
    """Return what a task's ``label_values`` say of grey masks with one structure.

    >>> threshold_values(128)
    {'>=128': 1}
    """
    return {f"{_FROM}{threshold:g}": 1}


def read_threshold(values: Mapping[str, int | str] | None) -> float | None:
    """Return the threshold of `threshold_values`, None where codes stand for classes.

    Raises
    ------
    ConfigError
        If it stands beside other codes, or is no number.

    Examples
    --------
    >>> read_threshold({">=0.5": 1}), read_threshold({"0": 0})
    (0.5, None)
    """
    key = next((key for key in values or () if key.startswith(_FROM)), None)
    if key is None:
        return None
    try:
        if values == {key: 1} and math.isfinite(threshold := float(key.removeprefix(_FROM))):
            return threshold
    except ValueError:
        pass
    raise ConfigError(
        f"task#label_values: {dict(values or {})} mixes a threshold with codes, or is no number",
        'write a threshold alone: {">=128": 1}',
    )


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
    # A scaling in the header gives 0.99999997 for 1. NaN and infinity fail the comparison too.
    strange = values[
        ~(np.isclose(numbers, np.round(numbers), 0, _ROUNDING) & (np.abs(numbers) <= _LARGEST_CODE))
    ]
    if strange.size:
        raise ReadError(
            f"{path}: a mask with values {format_codes(np.unique(strange))}, "
            "expected whole numbers",
            "save labels as integers, without resampling by interpolation; of one structure, "
            "`lamina plan --threshold 0.5` takes what is 0.5 or more",
        )
    return np.round(numbers).astype(np.int32)


def above(values: NDArray[Any], threshold: float, path: Path) -> NDArray[np.int32]:
    """Return 1 where a mask's values reach a threshold; raise ``ReadError`` where one is NaN.

    >>> above(np.array([0.2, 0.7]), 0.5, Path("a.nii")).tolist()
    [0, 1]
    """
    if np.isnan(values).any():
        raise ReadError(f"{path}: a mask with values that are NaN", "export it again")
    return (values >= threshold).astype(np.int32)


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
