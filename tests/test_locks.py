import subprocess
import sys

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
