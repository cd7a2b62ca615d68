"""How a workflow talks to the person who started it, also under MONAI's own runner."""

import io
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
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
    print_any_name()
    if not os.environ.get("LAMINA_DEBUG"):
        sys.excepthook = _show


def print_any_name() -> None:
    """Let the output show names of files that its encoding does not have, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class TerminatedError(KeyboardInterrupt):
    """SIGTERM came, as a batch system or a shutdown sends it."""


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end this process as Ctrl-C does: what is begun is put away, locks are released.

    >>> with sigterm_as_interrupt():
    ...     "work that SIGTERM ends by a TerminatedError"
    'work that SIGTERM ends by a TerminatedError'
    """
    own = os.getpid()

    def end(number: int, _: object) -> None:
        if os.getpid() == own:
            raise TerminatedError
        # A process that was forked has nothing to put away.
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def log_to(path: str | os.PathLike[str]) -> None:
    """Write what Lamina says into a file too, with times and more detail; appends to it.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log_to(Path(folder, "train.log"))
    ...     logging.getLogger("lamina.training").debug("epoch 1: loss 0.5")
    ...     Path(folder, "train.log").read_text().split(" ", 2)[2].strip()
    ...     stop_logging()
    'epoch 1: loss 0.5'
    """
    stop_logging()
    logger = logging.getLogger("lamina")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    handler.set_name(RUN_LOG)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)


def stop_logging() -> None:
    """Close the file of `log_to`, if there is one."""
    logger = logging.getLogger("lamina")
    for handler in list(logger.handlers):
        if handler.get_name() == RUN_LOG:
            logger.removeHandler(handler)
            handler.close()


def keep_streams_open() -> None:
    """Keep absl, which OpenVINO brings, from closing the streams of who called us.

    absl's log handler keeps what ``sys.stderr`` was at its import, and closes it once another
    stream stands there and MONAI's runner configures the log: a notebook, a server or a test that
    redirects its streams would lose its own. Here that handler gets the process's stream.
    """
    if absl := sys.modules.get("absl.logging"):
        absl.get_absl_handler().python_handler.setStream(sys.__stderr__)


@contextmanager
def process_restored() -> Iterator[None]:
    """Put back what a workflow changes in its process: the log, warnings, arguments, excepthook.

    MONAI's runner configures all of Python's log anew; a notebook or a program that calls
    `lamina.cli.main` keeps its own.

    >>> before = list(logging.getLogger().handlers)
    >>> with process_restored():
    ...     logging.getLogger().addHandler(logging.NullHandler())
    >>> logging.getLogger().handlers == before
    True
    """
    keep_streams_open()
    words, hook = sys.argv, sys.excepthook
    root = logging.getLogger()
    known = [one for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger)]
    before = [(one, list(one.handlers), one.level, one.propagate) for one in (root, *known)]
    try:
        with warnings.catch_warnings():
            yield
    finally:
        sys.argv, sys.excepthook = words, hook
        for logger, handlers, level, propagate in before:
            for handler in set(logger.handlers) - set(handlers):
                handler.close()
            logger.handlers[:] = handlers
            logger.setLevel(level)
            logger.propagate = propagate


def _show(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    cause = find_cause(error)
    if cause is None:
        sys.__excepthook__(kind, error, traceback)
    else:
        print(f"error: {cause}", file=sys.stderr)
