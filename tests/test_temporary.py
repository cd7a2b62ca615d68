import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lamina.temporary import temporary_folder


@pytest.fixture
def parent(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_only_the_user_may_look_into_it(parent):
    with temporary_folder() as folder:
        assert folder.parent == parent
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list(parent.iterdir()) == []


def test_it_is_removed_when_the_block_fails(parent):
    with pytest.raises(ValueError, match="mine"), temporary_folder() as folder:
        (folder / "scan.dcm").write_bytes(b"a patient")
        raise ValueError("mine")
    assert list(parent.iterdir()) == []


KILLED = """
import os, sys, tempfile
tempfile.tempdir = sys.argv[1]
from lamina.temporary import temporary_folder
with temporary_folder() as folder:
    (folder / "deep").mkdir()
    (folder / "deep" / "scan.dcm").write_bytes(b"a patient")
    print(folder, flush=True)
    if sys.argv[2] == "dies":
        os.kill(os.getpid(), 9)
    sys.stdin.read()
"""


def begin(parent, how):
    line = [sys.executable, "-c", KILLED, str(parent), how]
    return subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_the_next_run_removes_what_a_killed_one_left(parent):
    process = begin(parent, "dies")
    left = Path(process.communicate()[0].strip())
    assert (left / "deep" / "scan.dcm").is_file()
    with temporary_folder() as folder:
        assert not left.exists()
        assert sorted(parent.iterdir()) == sorted([folder, folder.with_suffix(".lock")])


def test_the_folder_of_a_living_process_stays(parent):
    process = begin(parent, "lives")
    other = Path(process.stdout.readline().strip())
    with temporary_folder():
        assert (other / "deep" / "scan.dcm").is_file()
    process.communicate("")
    assert list(parent.iterdir()) == []


def test_a_link_that_is_named_like_a_lock_is_left_alone(parent, tmp_path_factory):
    victim = tmp_path_factory.mktemp("victim")
    (victim / "thesis.txt").write_text("mine")
    os.symlink(victim / "thesis.txt", parent / "lamina-temporary-x.lock")
    os.symlink(victim, parent / "lamina-temporary-x")
    with temporary_folder():
        pass
    assert (victim / "thesis.txt").read_text() == "mine"
