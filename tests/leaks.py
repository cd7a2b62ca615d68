"""What a test may not leave behind: it would be a later test that fails, and nobody knew why."""

import logging
import os
import sys
import threading
import time
from dataclasses import dataclass

# Threads that begin in one test and serve others too.
KEPT_THREADS = (
    "tqdm_monitor",  # of tqdm, for the life of the process
    "AnyIO worker thread",  # of a server that several tests ask
    "lamina-",  # the same; tests/web/conftest.py looks whether they end with the last server
)
KEPT_VARIABLES = (
    "PYTEST_CURRENT_TEST",
    "TORCHINDUCTOR_CACHE_DIR",  # torch's compiler, for its own child processes
    "CUBLAS_WORKSPACE_CONFIG",  # MONAI's set_determinism
    "KMP_DUPLICATE_LIB_OK",  # scikit-learn, at its import
    "KMP_INIT_AT_FORK",
    "_TORCHINDUCTOR_PYOBJECT_TENSOR_DATA_PTR",
)


@dataclass(frozen=True)
class State:
    """What all tests of a process share."""

    streams: dict[str, object]
    handlers: dict[str, list[logging.Handler]]
    environment: dict[str, str]
    folder: str
    threads: list[threading.Thread]


def state():
    """Return what stands now; pytest's own handlers and variables are left out."""
    return State(
        {name: getattr(sys, name) for name in ("stdin", "stdout", "stderr")},
        {name: _handlers(name) for name in ("root", "lamina")},
        {key: value for key, value in os.environ.items() if key not in KEPT_VARIABLES},
        os.getcwd(),
        threading.enumerate(),
    )


def _handlers(name):
    handlers = logging.getLogger(name).handlers
    return [one for one in handlers if not type(one).__module__.startswith("_py")]


def left_behind(before, patience=5.0, keeps_threads=False):
    """Return a sentence for each thing that is other than it was; threads may take a while to end."""
    after = state()
    found = [
        f"sys.{name} is {'closed' if same else 'another one'}"
        for name, stream in after.streams.items()
        if (same := stream is before.streams[name]) is False or getattr(stream, "closed", False)
    ]
    found += [
        f"the handlers of logger {name} are {handlers}, were {before.handlers[name]}"
        for name, handlers in after.handlers.items()
        if handlers != before.handlers[name]
    ]
    keys = sorted({*before.environment, *after.environment})
    found += [
        f"the environment has {key}={after.environment.get(key)!r}, "
        f"had {before.environment.get(key)!r}"
        for key in keys
        if after.environment.get(key) != before.environment.get(key)
    ]
    if after.folder != before.folder:
        found.append(f"the working folder is {after.folder}, was {before.folder}")
    if not keeps_threads:
        found += [f"thread {one.name} still runs" for one in _still_running(before, patience)]
    return found


def _still_running(before, patience):
    end = time.monotonic() + patience
    while True:
        new = [
            one
            for one in threading.enumerate()
            if one not in before.threads and not one.name.startswith(KEPT_THREADS)
        ]
        if not new or time.monotonic() > end:
            return new
        time.sleep(0.02)
