import logging
import subprocess
import sys

import pytest

from lamina.console import log_to

PROGRAM = """
from lamina.console import speak_plainly
from lamina.errors import DataError
speak_plainly()
try:
    try:
        raise {error}
    except Exception as inner:
        raise RuntimeError("applying transform") from inner
except RuntimeError as outer:
    raise ValueError("Failed to evaluate") from outer
"""


def run(error, **environment):
    import os

    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(error=error)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
    )


def test_a_users_mistake_is_its_message_only():
    done = run("DataError('no image', 'add one')")
    assert done.returncode == 1
    assert done.stderr == "error: no image\n  → add one\n"


def test_debug_keeps_the_traceback():
    assert "Traceback" in run("DataError('no image')", LAMINA_DEBUG="1").stderr


def test_a_bug_keeps_its_traceback():
    done = run("KeyError('x')")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


@pytest.fixture
def logger():
    logger = logging.getLogger("lamina")
    handlers, level = list(logger.handlers), logger.level
    yield logging.getLogger("lamina.test")
    logger.handlers, logger.level = handlers, level


def test_the_log_goes_to_the_newest_run_only(tmp_path, logger):
    log_to(tmp_path / "a" / "train.log")
    logger.debug("one")
    log_to(tmp_path / "b" / "train.log")
    logger.info("two")
    assert (tmp_path / "a" / "train.log").read_text().endswith("one\n")
    assert (tmp_path / "b" / "train.log").read_text().endswith("two\n")
    log_to(tmp_path / "a" / "train.log")
    logger.info("three")
    assert len((tmp_path / "a" / "train.log").read_text().splitlines()) == 2
