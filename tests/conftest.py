"""What tests of several rooms share."""

import os
from pathlib import Path

import pytest
from tests.leaks import left_behind, state

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data():
    """The folder of real images that is kept beside the project; they are in no repository."""
    folder = Path(os.environ.get("LAMINA_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder} (LAMINA_DATA names another folder)")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _own_settings(tmp_path_factory):
    """Keep the user's settings, such as which task files are trusted, out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("settings")))
        yield


@pytest.fixture(autouse=True)
def _leaves_nothing_behind(request):
    """Fail the test that leaves streams, log handlers, environment, folder or threads changed."""
    before = state()
    yield
    keeps = request.node.get_closest_marker("keeps_threads")
    if found := left_behind(before, keeps_threads=keeps is not None):
        pytest.fail("\n".join(["this test left behind:", *found]), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Let what is logged of a file's name that is no UTF-8 pass between xdist's processes."""
    report = yield
    report.sections = [
        (title, content.encode("utf-8", "backslashreplace").decode())
        for title, content in report.sections
    ]
    return report
