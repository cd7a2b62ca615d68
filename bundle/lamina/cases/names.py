"""Names for cases, made from where their files lie."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

_LONGEST = 80


def safe_name(text: str) -> str:
    """Return a text that is safe as a file name: letters, digits, dots, dashes, underscores.

    Of a long one, the end is kept: file systems allow 255 bytes, suffixes included.

    >>> safe_name("Müller, A/left eye#1.2")
    'Müller_A_left_eye_1.2'
    """
    return re.sub(r"[^\w.-]+", "_", text).strip("._")[-_LONGEST:] or "case"


def unique_names(keys: Sequence[str]) -> list[str]:
    """Return a safe name for each of several different texts, no two of them alike.

    Names that would be alike get a short hash of the text, so that they do not hang on the order
    or on what else is there.

    >>> unique_names(["a b", "c"]), unique_names(["a/1", "a 1"])
    (['a_b', 'c'], ['a_1-773232', 'a_1-042a5f'])
    """
    names = [safe_name(key) for key in keys]
    # Compared without case, as the file systems of Windows and macOS do.
    count = Counter(name.casefold() for name in names)
    return [
        name if count[name.casefold()] == 1 else f"{name}-{_short_hash(key)}"
        for name, key in zip(names, keys, strict=True)
    ]


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:6]
