"""How a workflow talks to the person who started it, also under MONAI's own runner."""

import os
import sys
import warnings
from types import TracebackType

from lamina.errors import find_cause

# MONAI says these to everybody: the first at each LoadImage without nvImageCodec, which needs a
# GPU; the second where the preprocessing has nothing that an inverse would have to undo.
HARMLESS = ("NvImgCodecPydicomReader", "inverse has been called but no invertible")


def speak_plainly() -> None:
    """Let a user's mistake end Python with the bare message and status 1, without a traceback.

    ``LAMINA_DEBUG=1`` keeps the traceback. Warnings that say nothing to a user are left out.
    """
    for message in HARMLESS:
        warnings.filterwarnings("ignore", message=message)
    if not os.environ.get("LAMINA_DEBUG"):
        sys.excepthook = _show


def _show(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    cause = find_cause(error)
    if cause is None:
        sys.__excepthook__(kind, error, traceback)
    else:
        print(f"error: {cause}", file=sys.stderr)
