"""How a workflow talks to the person who started it, also under MONAI's own runner."""

import logging
import os
import sys
import warnings
from pathlib import Path
from types import TracebackType

from lamina.errors import find_cause

# MONAI says these to everybody: the first at each LoadImage without nvImageCodec, which needs a
# GPU; the second where the preprocessing has nothing that an inverse would have to undo.
HARMLESS = ("NvImgCodecPydicomReader", "inverse has been called but no invertible")

RUN_LOG = "the log of a run"


def speak_plainly() -> None:
    """Let a user's mistake end Python with the bare message and status 1, without a traceback.

    ``LAMINA_DEBUG=1`` keeps the traceback. Warnings that say nothing to a user are left out.
    """
    for message in HARMLESS:
        warnings.filterwarnings("ignore", message=message)
    if not os.environ.get("LAMINA_DEBUG"):
        sys.excepthook = _show


def log_to(path: str | os.PathLike[str]) -> None:
    """Write what Lamina says into a file too, with times and more detail; appends to it.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log_to(Path(folder, "train.log"))
    ...     logging.getLogger("lamina.training").debug("epoch 1: loss 0.5")
    ...     Path(folder, "train.log").read_text().split(" ", 2)[2].strip()
    'epoch 1: loss 0.5'
    """
    logger = logging.getLogger("lamina")
    for handler in list(logger.handlers):
        if handler.get_name() == RUN_LOG:
            logger.removeHandler(handler)
            handler.close()
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.set_name(RUN_LOG)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)


def _show(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    cause = find_cause(error)
    if cause is None:
        sys.__excepthook__(kind, error, traceback)
    else:
        print(f"error: {cause}", file=sys.stderr)
