import subprocess
import sys

import pytest

from lamina.label.errors import BusyError
from lamina.label.lock import alone

HOLD = """
import sys
from pathlib import Path
from lamina.label.lock import alone
with alone(Path(sys.argv[1]), "a test runs"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that is alone in a folder until it is killed."""
    line = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        yield other
        other.kill()


def test_a_second_process_is_refused_until_the_first_dies(tmp_path, holder):
    with pytest.raises(BusyError, match="a test runs already"), alone(tmp_path, "a test runs"):
        pytest.fail("two at once")
    holder.kill()
    holder.wait()
    with alone(tmp_path, "a test runs"):
        pass


def test_it_can_be_entered_again_after_an_error(tmp_path):
    with pytest.raises(ValueError, match="inside"), alone(tmp_path / "new", "a test runs"):
        raise ValueError("inside")
    with alone(tmp_path / "new", "a test runs"):
        pass
