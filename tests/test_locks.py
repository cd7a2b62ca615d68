import errno
import os
import subprocess
import sys

import pytest

from lamina.errors import LaminaError
from lamina.locks import locked

HOLD = """
import sys
from pathlib import Path
from lamina.locks import locked
with locked(Path(sys.argv[1])) as mine:
    print(mine, flush=True)
    sys.stdin.read()
"""


def test_another_process_keeps_it_until_it_dies(tmp_path):
    path = tmp_path / "run" / ".lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout.readline() == "True\n"
        with locked(path) as mine:
            assert not mine
        other.kill()
        other.wait()
        assert path.is_file()
        with locked(path) as mine:
            assert mine


def test_it_is_free_after_the_block(tmp_path):
    for _ in range(2):
        with locked(tmp_path / "a") as mine, locked(tmp_path / "b") as other:
            assert mine
            assert other


@pytest.mark.parametrize("reason", [errno.ENOSYS, errno.ENOLCK])
def test_a_file_system_without_locks_gets_none_that_outlive_their_process(
    tmp_path, monkeypatch, reason
):
    def refuse(*_):
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr("fcntl.flock", refuse)
    with (
        pytest.raises(LaminaError, match=r"\.lock can't be locked \(.+\)\n.*on another disk"),
        locked(tmp_path / ".lock"),
    ):
        pytest.fail("nobody else is kept out")
