"""A real DICOMweb archive: Orthanc on loopback, whose series are segmented and annotated."""

import contextlib
import io
import json
import shutil
import subprocess
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import requests
from monailabel.client.client import MONAILabelClientException
from tests.label.conftest import free_port, predict, read, wait_for_training, write_label

from lamina.errors import ConfigError, GeometryError
from lamina.label.datastore import LaminaDatastore
from lamina.label.dicomweb import DicomWebStudies
from lamina.label.errors import ArchiveError, UnknownNameError
from lamina.label.work import Work
from lamina.readers.images import read_label

MODEL = "hippocampus_mr"
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory):
    """An empty archive; its address."""
    if shutil.which("Orthanc") is None or not PLUGIN.exists():
        pytest.skip("no orthanc with orthanc-dicomweb (scripts/install_system_packages.sh)")
    folder = tmp_path_factory.mktemp("orthanc")
    port = free_port()
    config = {
        "HttpPort": port,
        "DicomPort": free_port(),
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "Plugins": [str(PLUGIN)],
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    (folder / "orthanc.json").write_text(json.dumps(config))
    with (folder / "log").open("w") as log:
        line = ["Orthanc", str(folder / "orthanc.json")]
        process = subprocess.Popen(line, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    for _ in range(150):
        with contextlib.suppress(requests.ConnectionError):
            requests.get(f"{url}/system", timeout=10)
            break
        time.sleep(0.2)
    yield url
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def archive(orthanc, real_data):
    """The archive with three MR series and a series of one slice without a place."""
    for path in sorted((real_data / "hippocampus_dicom").rglob("*.dcm")):
        requests.post(f"{orthanc}/instances", data=path.read_bytes(), timeout=60)
    report = pydicom.dcmread(path)
    report.Modality, report.SOPInstanceUID = "SR", "1.2.3.4"
    report.file_meta.MediaStorageSOPInstanceUID = report.SOPInstanceUID
    report.SeriesInstanceUID = "1.2.3"
    with io.BytesIO() as buffer:
        report.save_as(buffer)
        requests.post(f"{orthanc}/instances", data=buffer.getvalue(), timeout=60)
    return f"{orthanc}/dicom-web"


@pytest.fixture(scope="module")
def server(serve, archive, small_tasks, tmp_path_factory):
    work = tmp_path_factory.mktemp("work")
    words = ["--studies", archive, "--work-dir", work, "--tasks", f"{MODEL},{small_tasks['balls']}"]
    server = serve(work / "server.log", *words)
    server.work = work
    return server


@pytest.fixture
def client(server, tmp_path):
    return server.client(tmp_path)


def series(archive, modality):
    found = requests.get(f"{archive}/series", params={"Modality": modality}, timeout=60)
    return [one["0020000E"]["Value"][0] for one in found.json()] if found.text else []


def test_series_of_images_are_listed_and_reports_are_not(client, archive):
    names = client.datastore()["objects"]
    assert len(names) == 3
    assert "1.2.3" not in names
    assert set(names) == set(series(archive, "MR"))


def test_the_mask_is_that_of_predict_on_the_files(client, real_data, tmp_path):
    folder = real_data / "hippocampus_dicom" / "Study2"
    uid = pydicom.dcmread(next(folder.rglob("*.dcm"))).SeriesInstanceUID
    file, _ = client.infer(MODEL, uid, {})
    words = ["--formats", "nifti", "-o", str(tmp_path / "own")]
    predict(MODEL, str(folder), *words)
    (own,) = (tmp_path / "own").glob("*.nii.gz")
    np.testing.assert_array_equal(read(file), read(own))
    np.testing.assert_allclose(nib.load(file).affine, nib.load(own).affine, atol=1e-4)


def test_a_submitted_label_goes_back_as_dicom_seg_and_is_trained_on(
    client, server, archive, tmp_path
):
    uid = client.next_sample("first", {})["id"]
    file, _ = client.infer(MODEL, uid, {})
    label = (read(file) == 2).astype(np.uint8)
    assert label.any()
    # The first structure is absent, so that 3D Slicer calls the second 1.
    path = write_label(tmp_path / "label.nii.gz", label, nib.load(file).affine)
    client.save_label(uid, path, params={"label_info": [{"name": "posterior", "idx": 1}]})
    (seg,) = series(archive, "SEG")
    study = pydicom.dcmread(next((server.work / "series" / uid).iterdir())).StudyInstanceUID
    (kept,) = DicomWebStudies(archive, tmp_path).client.retrieve_series(study, seg)
    assert kept.ReferencedSeriesSequence[0].SeriesInstanceUID == uid
    codes = [one.SegmentedPropertyTypeCodeSequence[0] for one in kept.SegmentSequence]
    assert [one.SegmentLabel for one in kept.SegmentSequence] == ["anterior", "posterior"]
    assert {code.CodeMeaning for code in codes} == {"Hippocampus"}
    assert int(kept.pixel_array.sum()) == int(label.sum())
    kept.save_as(tmp_path / "seg.dcm", enforce_file_format=True)
    shutil.copytree(server.work / "series" / uid, tmp_path / "series")
    values, _ = read_label(tmp_path / "seg.dcm")
    np.testing.assert_array_equal(values, 2 * label)

    client.train_start(MODEL, {"max_epochs": 1})
    done = wait_for_training(client)
    assert done["status"] == "DONE", done["details"]
    assert client.infer(MODEL, uid, {})[0]
    assert client.next_sample("first", {})["id"] != uid


def test_what_the_archive_does_not_have_is_refused(client):
    for name in ("1.2.840.1", "1.2.3", "../series", "nobody"):
        with pytest.raises(MONAILabelClientException) as caught:
            client.infer(MODEL, name, {})
        assert "Status: 404" in caught.value.msg


def test_a_series_that_cannot_be_used_leaves_nothing_and_is_named(archive, tmp_path, monkeypatch):
    studies = DicomWebStudies(archive, tmp_path)
    uid = next(iter(studies.addresses()))

    def broken(_):
        raise GeometryError("slices lie on top of each other")

    monkeypatch.setattr("lamina.label.dicomweb.read_grid", broken)
    with pytest.raises(GeometryError, match="on top of each other"):
        studies.address(uid)
    assert list((tmp_path / "series").iterdir()) == []
    assert studies.unusable == [(uid, "slices lie on top of each other")]
    assert uid not in studies.addresses()


def test_what_is_known_of_an_image_is_asked_without_fetching_it(archive, small_tasks, tmp_path):
    work = Work(tmp_path)
    work.prepare([str(small_tasks["balls"])])
    datastore = LaminaDatastore(DicomWebStudies(archive, tmp_path), work)
    names = datastore.get_unlabeled_images()
    assert len(names) == 3
    assert [datastore.get_image_info(name) for name in names] == [{}] * 3
    assert datastore.json()["objects"].keys() == set(names)
    assert not (tmp_path / "series").exists()


def test_an_archive_takes_no_files_of_a_viewer(archive, tmp_path):
    with pytest.raises(ConfigError, match="send DICOM"):
        DicomWebStudies(archive, tmp_path).add("a", tmp_path / "a.nii.gz", ".nii.gz")


def test_an_archive_that_does_not_answer_is_named(tmp_path):
    studies = DicomWebStudies(f"http://127.0.0.1:{free_port()}/dicom-web", tmp_path)
    with pytest.raises(ArchiveError, match="is the archive running"):
        studies.addresses()
    with pytest.raises(UnknownNameError):
        studies.address("..")
