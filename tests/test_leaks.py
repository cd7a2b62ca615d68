import io
import logging
import os
import sys
import threading

import pytest
from tests.leaks import left_behind, state


@pytest.fixture
def before():
    return state()


def test_nothing_changed(before):
    assert left_behind(before) == []


def test_another_stream(before, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert left_behind(before) == ["sys.stdout is another one"]


def test_a_closed_stream(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    before = state()
    sys.stderr.close()
    assert left_behind(before) == ["sys.stderr is closed"]


@pytest.mark.parametrize("name", ["root", "lamina"])
def test_a_handler_of_a_logger(before, name):
    handler = logging.NullHandler()
    logging.getLogger(name).addHandler(handler)
    (found,) = left_behind(before)
    logging.getLogger(name).removeHandler(handler)
    assert found.startswith(f"the handlers of logger {name} are [<NullHandler")


def test_the_environment(before, monkeypatch):
    monkeypatch.setenv("LAMINA_LEAK", "1")
    assert left_behind(before) == ["the environment has LAMINA_LEAK='1', had None"]
    monkeypatch.delenv("LAMINA_LEAK")
    monkeypatch.delenv("PATH")
    assert left_behind(before)[0].startswith("the environment has PATH=None, had ")


def test_the_working_folder(before, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert left_behind(before) == [f"the working folder is {os.getcwd()}, was {before.folder}"]


def test_a_thread_that_goes_on(before):
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="endless", daemon=True)
    thread.start()
    found = left_behind(before, patience=0)
    end.set()
    assert found == ["thread endless still runs"]
    assert left_behind(before) == []


def test_a_test_that_leaves_something_fails_by_itself(pytester_process):
    out = pytester_process(
        """
        import os
        from tests.conftest import _leaves_nothing_behind
        def test_culprit():
            os.environ["LAMINA_LEAK"] = "1"
        def test_victim():
            pass
        """
    )
    assert "ERROR test_it.py::test_culprit - Failed: this test left behind" in out
    assert "2 passed, 1 error" in out


@pytest.fixture
def pytester_process(tmp_path):
    """Run pytest on a file of its own, in a process of its own; return what it prints."""
    import subprocess
    import textwrap

    def run(code):
        (tmp_path / "test_it.py").write_text(textwrap.dedent(code))
        line = [sys.executable, "-m", "pytest", "-ra", "-p", "no:cacheprovider", "test_it.py"]
        root = os.path.dirname(os.path.dirname(__file__))
        environment = os.environ | {"PYTHONPATH": root}
        done = subprocess.run(
            line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        return done.stdout

    return run
