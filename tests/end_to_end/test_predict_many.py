"""A folder as a hospital has it: good cases among broken files, killed runs, several processes."""

import gzip
import json
import os
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest

from lamina.cli import main
from lamina.tasks.catalogue import CHECKOUT


def png_header(columns, rows):
    """The beginning of a picture that claims a size, and holds nothing."""
    content = b"IHDR" + struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + content
    return start + struct.pack(">I", zlib.crc32(content)) + struct.pack(">I", 5) + b"IDAT12345"


def breakages(folder, good):
    """Write twenty files that can't be segmented, each broken in another way."""
    folder.mkdir()
    image = nib.load(good)
    values, affine = np.asarray(image.dataobj).astype(np.float32), image.affine

    def nifti(name, array):
        nib.save(nib.Nifti1Image(array, affine), folder / name)

    def filled(value):
        array = values.copy()
        array[2, 2, 2] = value
        return array

    whole = good.read_bytes()
    plain = gzip.decompress(whole) if whole[:2] == b"\x1f\x8b" else whole
    (folder / "truncated.nii.gz").write_bytes(gzip.compress(plain)[:-500])
    (folder / "short.nii").write_bytes(plain[:-1000])
    (folder / "header_only.nii").write_bytes(plain[:348])
    (folder / "empty.nii.gz").write_bytes(b"")
    (folder / "zeros.nii").write_bytes(bytes(4000))
    (folder / "text.nii.gz").write_text("text")
    (folder / "text.dcm").write_text("text " * 100)
    (folder / "empty.dcm").write_bytes(b"")
    (folder / "cut.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\x02\x00\x00\x00UL\x04\x00\xff")
    nifti("nan.nii.gz", filled(np.nan))
    nifti("infinite.nii.gz", filled(np.inf))
    nifti("five_axes.nii.gz", np.stack([np.stack([values] * 2, axis=-1)] * 3, axis=-1))
    flat = bytearray(plain)
    flat[252:256] = np.array([0, 1], "<i2").tobytes()  # qform_code, sform_code
    flat[312:328] = bytes(16)  # srow_z
    (folder / "flat_affine.nii").write_bytes(flat)
    enormous = bytearray(plain[:352])
    enormous[40:56] = np.array([3, 32767, 32767, 32767, 1, 1, 1, 1], "<i2").tobytes()
    (folder / "enormous.nii").write_bytes(bytes(enormous))
    (folder / "text.nrrd").write_text("NRRD0004\nnonsense")
    (folder / "nowhere.mhd").write_text("ObjectType = Image\nNDims = 3\nElementDataFile = no.raw\n")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"rubbish" * 20)
    (folder / "a bomb.png").write_bytes(png_header(30000, 30000))
    (folder / "text.tiff").write_text("text")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0rubbish")
    (folder / "loop").symlink_to(folder)
    return {path.name for path in folder.iterdir() if path.is_file()}


@pytest.fixture(scope="module")
def mixed(real_data, tmp_path_factory):
    """Three DICOM series, three NIfTI files and twenty broken files."""
    root = tmp_path_factory.mktemp("mixed") / "in"
    shutil.copytree(real_data / "hippocampus_dicom", root / "dicom")
    images = sorted((real_data / "hippocampus" / "imagesTr").glob("*.nii.gz"))[:3]
    for path in images:
        shutil.copy(path, root / path.name)
    (root / "ünï code.nii.gz").write_bytes(images[0].read_bytes())
    broken = breakages(root / "broken files", images[0])
    assert len(broken) == 20
    return root, broken


def predict(hippocampus, source, out, *words):
    return main(["predict", *hippocampus, str(source), "-o", str(out), *map(str, words)])


def manifest(out):
    return json.loads((out / "manifest.json").read_text())


@pytest.fixture(scope="module")
def predicted(hippocampus, mixed, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "o"
    return out, predict(hippocampus, mixed[0], out), hippocampus


def test_all_good_cases_are_done_and_each_broken_file_is_named(predicted, mixed):
    out, status, _ = predicted
    _, broken = mixed
    told = manifest(out)
    done = [case for case in told["cases"] if case["status"] == "done"]
    failed = [case for case in told["cases"] if case["status"] == "failed"]
    assert status == 1
    assert len(done) == 7
    named = {case["input"]["address"].rsplit("/", 1)[1] for case in failed}
    named |= {one["path"].rsplit("/", 1)[1] for one in told["broken"]}
    assert named == broken
    for case in failed:
        assert case["reason"]
        assert "Error:" not in case["reason"], case["reason"]
    for case in done:
        assert case["input"]["hash"]
        series = "dicom" in case["case"]
        assert len(case["input"]["files"]) > 30 if series else len(case["input"]["files"]) == 1
        assert ("series_uid" in case["input"]) == series
        assert set(case["seconds"]) == {"read", "network", "write"}
        for name in case["outputs"]:
            assert (out / name).stat().st_size > 0


def test_a_dicom_source_gives_a_segmentation_besides(predicted):
    out, _, _ = predicted
    assert len(list(out.glob("dicom*.seg.dcm"))) == 3
    assert len(list(out.glob("*.nii.gz"))) == 7
    assert len(list((out / "overlays").glob("*.png"))) == 7
    seg = pydicom.dcmread(next(out.glob("*.seg.dcm")))
    assert [one.SegmentLabel for one in seg.SegmentSequence] == ["anterior", "posterior"]


def test_measurements_cover_every_case_that_was_done(predicted):
    out, _, _ = predicted
    rows = json.loads((out / "measurements.json").read_text())
    assert {row["structure"] for row in rows} == {"anterior", "posterior"}
    assert len(rows) == 14
    assert (out / "measurements.csv").read_text().count("\n") == 15


def test_a_second_call_only_tries_what_failed(predicted, mixed, capsys):
    out, _, hippocampus = predicted
    files = [path for path in out.rglob("*.*") if path.is_file() and path.suffix in (".gz", ".dcm")]
    before = {path: path.stat().st_mtime_ns for path in files}
    assert predict(hippocampus, mixed[0], out) == 1
    said = capsys.readouterr().err
    assert "7 of 24 cases are done already" in said
    assert {path: path.stat().st_mtime_ns for path in files} == before


def test_a_changed_file_other_formats_and_overwrite_are_done_again(
    hippocampus, real_data, tmp_path
):
    source = tmp_path / "in"
    source.mkdir()
    images = sorted((real_data / "hippocampus" / "imagesTr").glob("*.nii.gz"))[:2]
    for name in ("a", "b"):
        shutil.copy(images[0], source / f"{name}.nii.gz")
    out = tmp_path / "out"
    assert predict(hippocampus, source, out) == 0
    times = {
        case["case"]: (out / f"{case['case']}.nii.gz").stat().st_mtime_ns
        for case in manifest(out)["cases"]
    }
    shutil.copy(images[1], source / "a.nii.gz")
    assert predict(hippocampus, source, out) == 0
    assert (out / "a.nii.gz").stat().st_mtime_ns > times["a"]
    assert (out / "b.nii.gz").stat().st_mtime_ns == times["b"]
    assert predict(hippocampus, source, out, "--overwrite") == 0
    assert (out / "b.nii.gz").stat().st_mtime_ns > times["b"]
    assert predict(hippocampus, source, out, "--formats", "nrrd,probabilities") == 0
    assert (out / "b.seg.nrrd").exists()
    assert nib.load(out / "b_probabilities.nii.gz").shape[-1] == 3
    (source / "b.nii.gz").unlink()
    assert predict(hippocampus, source, out) == 0
    assert [case["case"] for case in manifest(out)["cases"]] == ["a"]


def test_a_zip_of_a_series(hippocampus, real_data, tmp_path):
    source = real_data / "hippocampus_dicom" / "Study1"
    shutil.make_archive(str(tmp_path / "study"), "zip", source)
    assert predict(hippocampus, tmp_path / "study.zip", tmp_path / "out") == 0
    assert predict(hippocampus, source, tmp_path / "plain") == 0
    masks = [
        np.asarray(nib.load(next((tmp_path / name).glob("*.nii.gz"))).dataobj)
        for name in ("out", "plain")
    ]
    np.testing.assert_array_equal(*masks)


def test_another_preprocessing_is_done_again(hippocampus, real_data, tmp_path):
    task = json.loads(Path(hippocampus[0]).read_text())
    (tmp_path / "a.json").write_text(json.dumps(task))
    source = real_data / "hippocampus_dicom" / "Study1"
    words = [str(tmp_path / "a.json"), *hippocampus[1:]]
    assert predict(words, source, tmp_path / "out") == 0
    (mask,) = (tmp_path / "out").glob("*.nii.gz")
    before = mask.stat().st_mtime_ns
    assert predict(words, source, tmp_path / "out") == 0
    assert mask.stat().st_mtime_ns == before
    task["preprocessing"][-1]["nonzero"] = True
    (tmp_path / "a.json").write_text(json.dumps(task))
    assert predict(words, source, tmp_path / "out") == 0
    assert mask.stat().st_mtime_ns > before


def test_an_unknown_format_is_named(hippocampus, real_data, tmp_path, capsys):
    folder = real_data / "hippocampus_dicom" / "Study1"
    assert predict(hippocampus, folder, tmp_path / "o", "--formats", "dcmseg") == 1
    assert "nothing writes 'dcmseg'" in capsys.readouterr().err


KILL = """
import os, signal, sys
from lamina.cli import main
from lamina.prediction.loop import CaseLoop
write = CaseLoop._write
count = 0
def killed(self, *arguments):
    global count
    count += 1
    if count == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return write(self, *arguments)
CaseLoop._write = killed
sys.exit(main(sys.argv[1:]))
"""


def test_a_killed_run_loses_at_most_the_case_it_was_on(hippocampus, real_data, tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    for path in sorted((real_data / "hippocampus" / "imagesTr").glob("*.nii.gz"))[:5]:
        shutil.copy(path, source / path.name)
    words = ["predict", *hippocampus, str(source), "-o", str(tmp_path / "out")]
    line = [sys.executable, "-c", KILL, *words]
    assert subprocess.run(line, capture_output=True, check=False).returncode == -9
    first = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.nii.gz")}
    assert len(first) == 2
    assert main(words) == 0
    whole = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.nii.gz")}
    assert len(whole) == 5
    assert all(whole[name] == time for name, time in first.items())
    assert len(manifest(tmp_path / "out")["cases"]) == 5


def test_two_processes_share_a_folder(hippocampus, real_data, tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    for path in sorted((real_data / "hippocampus" / "imagesTr").glob("*.nii.gz"))[:5]:
        shutil.copy(path, source / path.name)
    task, _, dims, _, weights, *_ = hippocampus
    config = str(["configs/inference.json", "configs/multi_gpu_inference.json"])
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    words = ["-m", "monai.bundle", "run", "inference", "--config_file", config]
    words += ["--task", f"%{task}", "--spatial_dims", dims, "--weights", weights]
    words += ["--input_dir", str(source), "--output_dir", str(tmp_path / "two")]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*start, *words, "--backend", "torch"],
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert predict(hippocampus, source, tmp_path / "one") == 0
    assert len(manifest(tmp_path / "two")["cases"]) == 5
    for path in (tmp_path / "one").glob("*.nii.gz"):
        other = nib.load(tmp_path / "two" / path.name)
        np.testing.assert_array_equal(np.asarray(nib.load(path).dataobj), np.asarray(other.dataobj))
