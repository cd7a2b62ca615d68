import errno
import json
import os
import zipfile

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lamina.cases.scan import plane_of
from lamina.cli import main
from lamina.errors import ReadError, WriteError
from lamina.zips import unpacked


@pytest.mark.parametrize(
    ("normal", "plane"), [(0, "sagittal"), (1, "coronal"), (2, "axial")], ids=lambda x: str(x)
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_plane_is_named_after_its_normal(normal, plane, sign):
    axes = [(normal + 1) % 3, (normal + 2) % 3, normal]
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[:, axes] * [0.5, 0.7, 3.0 * sign]
    assert plane_of(affine) == plane
    turned = affine.copy()
    turned[:3, :3] = (
        Rotation.from_euler("xyz", [9, 8, 7], degrees=True).as_matrix() @ affine[:3, :3]
    )
    assert plane_of(turned) == plane
    turned[:3, :3] = (
        Rotation.from_euler("xyz", [40, 40, 0], degrees=True).as_matrix() @ affine[:3, :3]
    )
    assert plane_of(turned) == "oblique"


def test_every_real_file_is_told(real_data, capsys):
    assert main(["scan", str(real_data), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    seen = {file for case in told["cases"] for file in case["files"]}
    seen |= {case["address"] for case in told["cases"]} | {one["path"] for one in told["left_out"]}
    below = os.walk(real_data, followlinks=True)
    files = {os.path.join(folder, name) for folder, _, names in below for name in names}
    assert len(files) > 1000
    assert not {file for file in files if "/." not in file} - seen
    planes = {c["plane"] for c in told["cases"] if "prostate_mr/" in c["address"]}
    assert {"axial", "coronal", "sagittal"} <= planes


def test_the_table_says_what_is_what(real_data, capsys):
    assert main(["scan", str(real_data / "dicom")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        *("NAME", "KIND", "MODALITY", "DATE", "DESCRIPTION", "SIZE", "SPACING", "PLANE", "FILES")
    ]
    row = next(line for line in lines if line.startswith("prostate_mr_t2tsetra"))
    assert "MR" in row
    assert "axial" in row
    assert row.split()[-1] == "19"
    assert any("ct_liver_seg.dcm: a DICOM object without an image" in line for line in lines)


def test_a_zip_is_looked_into(real_data, tmp_path, capsys):
    source = real_data / "hippocampus_dicom" / "Study1"
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in source.rglob("*"):
            archive.write(path, path.relative_to(source))
    assert main(["scan", str(tmp_path / "a.zip")]) == 0
    assert "1 image(s) of" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_zip_that_leads_elsewhere_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../evil.txt", "x")
    with pytest.raises(ReadError, match=r"'\.\./evil\.txt' leads out of the zip"):
        unpacked(tmp_path / "a.zip", tmp_path / "room")
    assert not (tmp_path / "room").exists()


def test_a_zip_bomb_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(2 * 10**8))
    with pytest.raises(ReadError, match=r"unpacks to 0\.2 GB"):
        unpacked(tmp_path / "a.zip", tmp_path / "room")


def test_a_broken_zip_says_so(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", "text " * 1000)
    content = bytearray((tmp_path / "a.zip").read_bytes())
    content[45:50] = b"\xff" * 5
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(ReadError, match="a broken zip"):
        unpacked(tmp_path / "a.zip", tmp_path / "room")


def test_what_is_no_zip_stays(tmp_path):
    assert unpacked(tmp_path, tmp_path / "room") == tmp_path


def test_a_full_disk_is_no_broken_zip(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", "text")

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "/room/a.txt")

    monkeypatch.setattr(zipfile.ZipFile, "extract", fail)
    with pytest.raises(WriteError, match=r"/room/a.txt can't be written: No space left"):
        unpacked(tmp_path / "a.zip", tmp_path / "room")
