"""`lamina scan` as a user runs it; what it lists is tested in tests/cases/test_scan.py."""

import subprocess
import sys

import numpy as np
import pytest
from tests.scan_files import (  # noqa: F401
    _pydicom_as_usual,
    volume,
    write_dicom,
    write_picture,
    write_series,
)

from lamina.cli import main


@pytest.fixture
def folder(tmp_path, volume, write_series):  # noqa: F811
    for uid, text, day in (("1.2.3", "thin soft", "20240131"), ("1.2.4", "", "***")):
        write_series(
            tmp_path / uid,
            volume,
            np.diag([-1.0, -1.0, 2.0, 1.0]),
            SeriesInstanceUID=uid,
            SeriesDescription=text,
            SeriesDate=day,
            StudyDate="20230102",
            Modality="CT",
        )
    return tmp_path


def test_description_and_date_are_told_and_the_status_is_0(folder, capsys):
    assert main(["scan", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "DATE" in lines[0]
    assert "DESCRIPTION" in lines[0]
    assert lines[1].split()[2:6] == ["CT", "2024-01-31", "thin", "soft"]
    assert lines[2].split()[2:5] == ["CT", "2023-01-02", "-"]


def test_the_date_of_the_study_stands_in(tmp_path, write_dicom, capsys):  # noqa: F811
    write_dicom(tmp_path / "a.dcm", np.ones((3, 4), np.uint16), StudyDate="2023.01.02")
    assert main(["scan", str(tmp_path), "--json"]) == 0
    assert '"date": "2023-01-02"' in capsys.readouterr().out


def test_the_status_is_1_if_nothing_can_be_used(tmp_path, write_dicom, capsys):  # noqa: F811
    write_dicom(tmp_path / "a.dcm", np.ones((3, 4), np.uint16), ImagePositionPatient=[0, 0, 1])
    for options in ([], ["--json"]):
        assert main(["scan", str(tmp_path), *options]) == 1
        assert "is missing, so that its place in space is unclear" in capsys.readouterr().out


def test_a_header_is_read_without_torch_and_monai(folder):
    code = (
        "import sys; from lamina.cli import main; main(['scan', sys.argv[1]]); "
        "print({'torch', 'monai'} & set(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    assert "2 image(s)" in run.stdout
    assert run.stdout.splitlines()[-1] == "set()"
