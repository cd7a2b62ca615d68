import subprocess
import sys
import textwrap
from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.skipif(not find_spec("openvino"), reason="openvino is not installed")


def run(code):
    """Run Python in a process that has not imported OpenVINO yet."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_redirected_stderr_outlives_the_configuration_of_the_log():
    code = """
        import contextlib, io, sys
        from logging.config import dictConfig
        from lamina.inference.exported import import_openvino

        mine = io.StringIO()
        with contextlib.redirect_stderr(mine):
            import_openvino()
        dictConfig({"version": 1})  # closes all handlers, as fileConfig in MONAI's runner does
        print(mine.closed, "absl.logging" in sys.modules)
    """
    assert run(code).split() == ["False", "True"]


def test_openvino_reports_to_nobody():
    code = """
        import sys
        from lamina.inference.exported import import_openvino
        import_openvino()
        print(sys.modules["openvino_telemetry"])
    """
    assert run(code).strip() == "None"
