r"""Text from a data set as MONAI's parser leaves it alone: names are data and never run.

MONAI's ``ConfigParser`` has no way to quote a text: one that begins with ``$`` is run, with ``@``
or ``%`` replaced, and ``#`` divides ids wherever it stands. So what enters a config from outside
is written with such characters as ``\u0024``, and `lamina.tasks.read_labels` reads it back.
"""

import re

_LIVE = re.compile(r"^[$@%]|#|[@%]::")
_SPECIAL = re.compile(r"[$@%#\\]")
_PLAIN = re.compile(r"[^\w/ .,()+=~-]", re.ASCII)
_ESCAPED = re.compile(r"\\u00(24|40|25|23|5c)")


def is_live(text: str) -> bool:
    """Say whether MONAI's parser would run or replace a text, or a part of it.

    >>> is_live("$x"), is_live("a#b"), is_live("50 %")
    (True, True, False)
    """
    return _LIVE.search(text) is not None


def escape_text(text: str) -> str:
    r"""Return a text that MONAI's parser takes as it stands; most texts are it already.

    >>> print(escape_text("lung"), escape_text("$x"), escape_text("50 % of C#"))
    lung \u0024x 50 \u0025 of C\u0023
    """
    if not is_live(text) and unescape_text(text) == text:
        return text
    return _SPECIAL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def unescape_text(text: str) -> str:
    r"""Return what a text of a config stands for.

    >>> unescape_text("\\u0024x"), unescape_text("lung")
    ('$x', 'lung')
    """
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def literal(value: str) -> str:
    r"""Return what MONAI's parser makes this very text of: a path, a value from a client.

    >>> print(literal("/data/a"), literal("/data/#1"))
    /data/a $'/data/\U000000231'
    """
    if not is_live(value):
        return value
    return "$'" + _PLAIN.sub(lambda match: f"\\U{ord(match[0]):08x}", value) + "'"
