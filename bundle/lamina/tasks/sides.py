"""Names of structures that tell left from right."""

import re
from collections.abc import Iterable

WORDS = re.compile(
    r"\b(left|right|links?|rechts?|sinist(er|ra)|dext(er|ra)|gauche|droite?|[lr])\b", re.IGNORECASE
)


def named_side(names: Iterable[str]) -> str | None:
    """Return the first name that says left or right, None if none does.

    >>> named_side(["background", "lung_left"]), named_side(["bright spot", "lung"])
    ('lung_left', None)
    """
    return next((name for name in names if WORDS.search(name.replace("_", " "))), None)
