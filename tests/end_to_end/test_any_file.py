"""Every command that walks a folder goes on over any file, and names it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tests.any_files import CJK, LATIN_1, save, write_any_files

from lamina.cli import main


@pytest.fixture
def any_files(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    return folder, write_any_files(folder)


def test_scan_and_data_name_them_and_go_on(any_files, capsys):
    folder, bad = any_files
    assert main(["scan", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    left = {Path(one["path"]).name for one in told["left_out"]}
    left |= {Path(case["address"]).name for case in told["cases"] if case["problem"]}
    assert left == bad - {"cut.nii.gz"}  # a scan reads headers
    assert [case["name"] for case in told["cases"] if not case["problem"]] == ["cut", "good"]
    assert main(["data", str(folder)]) == 0
    said = capsys.readouterr().out
    for name in bad - {"preamble", "pipe", "zero", "nested.json.dcm"}:
        assert f"- {name}: " in said


def test_predict_names_them_and_goes_on(trained, any_files, tmp_path, capsys):
    folder, bad = any_files
    _, _, common = trained
    assert main(["predict", *common, str(folder), "-o", str(tmp_path / "out")]) == 1
    assert "Traceback" not in capsys.readouterr().err
    told = json.loads((tmp_path / "out" / "manifest.json").read_text())
    of = {case["case"]: case for case in told["cases"]}
    assert of["good"]["status"] == "done"
    named = {Path(case["input"]["address"]).name for case in told["cases"]} - {"good.nii.gz"}
    named |= {Path(one["path"]).name for one in told["broken"]}
    named |= {Path(path).name for path, _ in told["skipped"]}
    assert named == bad
    assert all(
        case["reason"].count("Error:") == 0 for case in told["cases"] if case["case"] != "good"
    )


def test_plan_and_train_name_them_and_go_on(small_task, dataset, tmp_path, capsys):
    folder = tmp_path / "in"
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
        for path in (dataset / name).iterdir():
            (folder / name / path.name).symlink_to(path)
    write_any_files(folder / "imagesTr")
    report = ["--report", str(tmp_path / "report"), "-o", str(tmp_path / "plan.json")]
    assert main(["plan", str(folder), "--budget-minutes", "0.1", *report]) == 0
    assert "- imagesTr/pipe.nii.gz: a pipe, expected a file" in capsys.readouterr().out
    run = ["--dataset-dir", str(folder), "--run-dir", str(tmp_path / "run"), "--epochs", "1"]
    assert main(["train", str(small_task(tmp_path)), *run]) == 0
    assert "imagesTr/zero.png: a device, expected a file" in capsys.readouterr().err


@pytest.mark.parametrize("name", [CJK, LATIN_1])
def test_names_of_any_bytes_and_length_are_read_and_written(trained, tmp_path, name, capsys):
    _, _, common = trained
    folder = tmp_path / os.fsdecode(b"f\xfcr")
    save(folder / name)
    for command in (["scan"], ["scan", "--json"], ["data"]):
        assert main([*command, str(folder)]) == 0
    out = tmp_path / "out"
    assert main(["predict", *common, str(folder), "-o", str(out)]) == 0
    (case,) = json.loads((out / "manifest.json").read_text())["cases"]
    assert case["input"]["address"] == str(folder / name)
    assert all((out / path).is_file() for path in case["outputs"])
    capsys.readouterr()
    assert main(["predict", *common, str(folder), "-o", str(out)]) == 0
    assert "1 of 1 cases are done already" in capsys.readouterr().err


@contextlib.contextmanager
def unprivileged():
    """Root may read anything; so for as long as this lasts the process is somebody else."""
    own = os.geteuid()
    if own == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(own)


def test_what_may_not_be_read_is_told_as_such(capsys):
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root, "in")
        for name in ("good.nii.gz", "closed.nii.gz", "closed/inside.nii.gz", "listed/a.nii.gz"):
            save(folder / name)
        (folder / "no_suffix").write_bytes(bytes(500))
        for path in (Path(root), folder):
            path.chmod(0o755)
        assert main(["scan", str(folder)]) == 0  # what it imports may not be read either
        for name in ("closed.nii.gz", "closed", "no_suffix"):
            (folder / name).chmod(0)
        (folder / "listed").chmod(0o444)
        capsys.readouterr()
        with unprivileged():
            assert main(["scan", str(folder)]) == 0
            scanned = capsys.readouterr().out
            assert main(["data", str(folder)]) == 0
            described = capsys.readouterr().out
        for name in ("closed", "listed"):
            (folder / name).chmod(0o755)
    for name in ("closed.nii.gz", "closed", "no_suffix", "listed/a.nii.gz"):
        for said in (scanned, described):
            assert f"- {name}: can't be read (Permission denied)" in said
    assert "written" not in scanned + described
    assert "\ngood" in scanned


@pytest.mark.parametrize("packing", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("seed", range(4))
def test_a_corrupt_zip_of_any_packing_is_a_message(tmp_path, packing, seed, capsys):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr("a.nii", np.random.default_rng(1).bytes(40_000))
    content = bytearray(path.read_bytes())
    random = np.random.default_rng(seed)
    for at in random.integers(40, len(content) - 200, 20):
        content[at] ^= int(random.integers(1, 256))
    path.write_bytes(content)
    assert main(["scan", str(path)]) == 1
    assert "a.zip: a broken zip (" in capsys.readouterr().err


def test_names_in_a_zip_may_be_longer_than_the_file_system_takes(tmp_path, capsys):
    content = save(tmp_path / "a.nii.gz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("漢" * 90, "語" + "漢" * 90, "x" * 300, "short"):
            archive.writestr(f"in/{name}/{name}.nii.gz", content)
    assert main(["scan", str(tmp_path / "a.zip"), "--json"]) == 0
    cases = json.loads(capsys.readouterr().out)["cases"]
    assert len({case["address"] for case in cases}) == 4
    assert not any(case["problem"] for case in cases)


def test_a_series_at_the_root_of_a_zip_keeps_its_name(trained, tmp_path, capsys):
    _, _, common = trained
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        archive.write(save(tmp_path / "in" / "a.nii.gz"), "a.nii.gz")
    words = ["predict", *common, str(tmp_path / "study.zip"), "-o", str(tmp_path / "out")]
    assert main(words) == 0
    capsys.readouterr()
    assert main(words) == 0
    assert "1 of 1 cases are done already" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_sigterm_ends_a_training_as_control_c_does(small_task, dataset, tmp_path, number):
    run = tmp_path / "run"
    words = ["--dataset-dir", str(dataset), "--run-dir", str(run), "--epochs", "5000"]
    # A shell lets what it starts in the background ignore SIGINT.
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from lamina.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    line = [sys.executable, "-c", code, "train", str(small_task(tmp_path)), *words]
    with subprocess.Popen(
        line,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as lamina:
        while not (run / "last.pt").exists():
            assert lamina.poll() is None
        lamina.send_signal(number)
        said = lamina.communicate(timeout=120)[1]
    assert lamina.returncode == 128 + number
    assert "the same command continues where it was" in said
    assert ("ended by SIGTERM" in said) == (number == signal.SIGTERM)
    assert "Traceback" not in said
    assert not list(run.glob(".part-*"))


def test_a_second_training_in_a_run_folder_is_refused(small_task, dataset, tmp_path, capsys):
    run = tmp_path / "run"
    task = str(small_task(tmp_path))
    words = ["--dataset-dir", str(dataset), "--run-dir", str(run)]
    code = "import sys; from lamina.cli import main; sys.exit(main(sys.argv[1:]))"
    line = [sys.executable, "-c", code, "train", task, *words, "--epochs", "5000"]
    with subprocess.Popen(line, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as first:
        while not (run / "last.pt").exists():
            assert first.poll() is None
        assert main(["train", task, *words, "--epochs", "5000"]) == 1
        assert "run: another process trains in it" in capsys.readouterr().err
        assert main(["predict", task, "--run-dir", str(run), *words[:2]]) == 1
        assert f"the run in {run} is not finished" in capsys.readouterr().err
        first.kill()


def test_a_socket_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the whole path may be too long for a socket
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("a.png")
        assert main(["scan", str(tmp_path)]) == 1
    assert "a.png: a socket, expected a file" in capsys.readouterr().out
