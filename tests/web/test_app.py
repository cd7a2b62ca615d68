"""The interface that clients use, from the outside."""

import gzip
import io
import json
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import nibabel as nib
import numpy as np
import pydicom
import pytest
from PIL import Image

from lamina.cli import main
from lamina.web.app import create_app
from lamina.web.settings import Limits, Settings

from .conftest import make_weights


def predict(client, content, name="scan.png", **query):
    return client.post("/predict", files={"file": (name, content)}, params=query)


def upload(client, path):
    return client.post("/upload_model", files={"model": (path.name, path.read_bytes())})


@pytest.fixture(autouse=True)
def default_model(client):
    yield
    client.post("/revert_model")


def test_a_picture_gets_the_picture_with_the_prediction_over_it(client, picture):
    answer = predict(client, picture)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    overlay = Image.open(io.BytesIO(answer.content))
    assert overlay.size == (96, 70)
    colours = np.asarray(overlay.convert("RGB")).astype(int)
    assert (np.ptp(colours, axis=-1) > 40).mean() > 0.05


@pytest.mark.parametrize("path", ["/predict", "/jobs"])
def test_a_missing_file_is_told_in_the_known_words(client, path):
    for wrong in ({}, {"data": {"file": "text"}}, {"files": {"other": b"x"}}):
        answer = client.post(path, **wrong)
        assert (answer.status_code, answer.json()) == (400, {"error": "No file uploaded"})


def test_a_missing_model_is_told_in_the_known_words(client):
    for wrong in ({}, {"data": {"model": "text"}}, {"files": {"file": b"x"}}):
        answer = client.post("/upload_model", **wrong)
        assert (answer.status_code, answer.json()) == (400, {"error": "No model file uploaded"})


def test_a_model_is_exchanged_and_reverted_in_the_known_words(client, picture, tiny):
    before = predict(client, picture, format="png").content
    answer = upload(client, tiny[2])
    assert (answer.status_code, answer.json()) == (200, {"message": "Model uploaded successfully"})
    assert predict(client, picture, format="png").content != before
    assert client.get("/health").json()["model"]["origin"] == "uploaded"
    answer = client.post("/revert_model")
    assert (answer.status_code, answer.json()) == (200, {"message": "Reverted to default model"})
    assert predict(client, picture, format="png").content == before
    assert client.get("/health").json()["model"]["weights"] == "model1.pth"


def test_a_model_that_does_not_fit_is_refused_with_what_differs(client, picture, tmp_path):
    before = predict(client, picture, format="png").content
    answer = upload(client, make_weights(tmp_path / "wrong.pth", out_channels=7))
    assert answer.status_code == 400
    said = answer.json()["error"]
    assert said.startswith("wrong.pth is of another network")
    assert "(7,), expected (4,)" in said
    assert predict(client, picture, format="png").content == before


def test_the_mask_comes_as_png_and_nifti(client, picture):
    mask = np.asarray(Image.open(io.BytesIO(predict(client, picture, format="png").content))).T
    answer = predict(client, picture, format="nifti")
    assert answer.headers["content-disposition"] == 'attachment; filename="scan.nii.gz"'
    nifti = nib.Nifti1Image.from_bytes(gzip.decompress(answer.content))
    np.testing.assert_array_equal(np.asarray(nifti.dataobj), mask)
    assert set(np.unique(mask)) <= {0, 1, 2, 3}


def test_measurements_come_as_json_by_format_or_accept(client, picture):
    first = predict(client, picture, format="json").json()
    accept = {"Accept": "application/json"}
    second = client.post("/predict", files={"file": ("scan.png", picture)}, headers=accept).json()
    assert first == second
    assert first["shape"] == [96, 70]
    assert {row["structure"] for row in first["measurements"]} == {"upper", "middle", "lower"}
    assert len(first["profile"]["layers"]["upper"]) == 96


def test_a_picture_is_no_dicom_seg(client, picture):
    answer = predict(client, picture, format="dicomseg")
    assert answer.status_code == 400
    assert "DICOM" in answer.json()["error"]


def test_a_task_or_format_that_is_not_known_is_told(client, picture):
    answer = predict(client, picture, task="../tiny")
    assert answer.status_code == 400
    assert "task '../tiny' is not known" in answer.json()["error"]
    assert predict(client, picture, format="gif").status_code == 400


def test_another_task_can_be_asked_for(client, volume, wait_for):
    answer = predict(client, volume.read_bytes(), "scan.nii.gz", task="hippocampus_mr")
    told = wait_for(client, answer.json()["id"])
    assert told["result"]["model"]["task"] == "hippocampus_mr"


def test_a_volume_becomes_a_job(client, volume, wait_for):
    answer = predict(client, volume.read_bytes(), "scan.nii.gz")
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["location"] == f"/jobs/{job['id']}"
    told = wait_for(client, job["id"])
    assert (told["state"], told["progress"], told["error"]) == ("done", 1.0, None)
    result = told["result"]
    assert result["files"] == ["scan.nii.gz", "scan.seg.nrrd", "overlay.png"]
    assert {plane["name"] for plane in result["planes"]} == {"B-scan", "en face", "across B-scans"}
    mask = client.get(f"/jobs/{job['id']}/files/scan.nii.gz")
    stored = nib.Nifti1Image.from_bytes(gzip.decompress(mask.content))
    np.testing.assert_allclose(stored.affine, nib.load(volume).affine, atol=1e-6)
    shown = client.get(f"/jobs/{job['id']}/slices/B-scan/3/mask")
    plane = np.asarray(Image.open(io.BytesIO(shown.content)))
    np.testing.assert_array_equal(plane, np.asarray(stored.dataobj)[:, :, 3].T)


def test_what_a_job_does_not_have_is_not_found(client, picture, wait_for):
    job = client.post("/jobs", files={"file": ("a.png", picture)}).json()
    assert wait_for(client, job["id"])["state"] == "done"
    for path in (
        "/jobs/none",
        f"/jobs/{job['id']}/files/..%2F..%2Fetc",
        f"/jobs/{job['id']}/files/mask.npy",
        f"/jobs/{job['id']}/slices/picture/1/mask",
        f"/jobs/{job['id']}/slices/axial/0/image",
    ):
        assert client.get(path).status_code == 404
    assert client.get(f"/jobs/{job['id']}/slices/picture/0/secret").status_code == 400
    assert client.delete(f"/jobs/{job['id']}").status_code == 204
    assert client.get(f"/jobs/{job['id']}").status_code == 404


def test_a_job_that_fails_says_why(client, tmp_path, wait_for):
    nib.save(nib.Nifti1Image(np.full((5, 6, 7), np.nan, np.float32), np.eye(4)), tmp_path / "a.nii")
    answer = predict(client, (tmp_path / "a.nii").read_bytes(), "my scan.nii")
    told = wait_for(client, answer.json()["id"])
    assert told["state"] == "failed"
    assert "210 of 210 values are NaN or infinite" in told["error"]
    assert "/tmp" not in told["error"]


def test_broken_images_are_refused(client, picture):
    for content in (b"nothing", picture[: len(picture) // 2], b"PK\x03\x04" + bytes(50)):
        answer = predict(client, content, "a.png")
        assert answer.status_code == 400
        assert answer.json()["error"].startswith("a.png")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"--b\r\n",
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
        b"--b\r\nContent-Disposition: form-data; name=file; filename=a.png\r\n\r\nx",
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + b"a" * 70000 + b'"\r\n',
        b"--b\r\n" * 5000,
    ],
)
def test_malformed_multipart_is_a_mistake_of_the_client(client, body):
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = client.post("/predict", content=body, headers=headers)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}
    without = client.post("/predict", content=body, headers={"Content-Type": "multipart/form-data"})
    assert without.status_code == 400


def test_health_and_tasks_tell_what_is_there(client):
    health = client.get("/health").json()
    assert (health["status"], health["problem"]) == ("ready", None)
    assert health["model"]["title"] == "Three made-up layers"
    named = {task["name"]: task for task in client.get("/tasks").json()}
    assert named["tiny"]["is_default"]


def test_the_documentation_loads_nothing_from_elsewhere(client):
    document = client.get("/openapi.json").json()
    assert set(document["paths"]) >= {
        "/predict",
        "/upload_model",
        "/revert_model",
        "/health",
        "/jobs",
    }
    assert "422" not in json.dumps(document)
    for path in ("/swagger/swagger-ui-bundle.js", "/swagger/swagger-ui.css"):
        assert client.get(path).status_code == 200


def test_two_at_once_never_mix_models_or_results(client, picture, tiny):
    masks = {}
    for name in (1, 2):
        upload(client, tiny[name])
        masks[tiny[name].name] = predict(client, picture, format="json").json()["measurements"]
    client.post("/revert_model")
    assert masks["model1.pth"] != masks["model2.pth"]

    def work(number):
        if number % 3 == 0:
            return upload(client, tiny[1 + number % 6 // 3]).status_code
        answer = predict(client, picture, format="json")
        if answer.status_code == 503:
            return 503
        told = answer.json()
        assert told["measurements"] == masks[told["model"]["weights"]]
        return answer.status_code

    with ThreadPoolExecutor(6) as threads:
        statuses = list(threads.map(work, range(24)))
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) > 6


def test_beyond_capacity_there_is_503_and_when_to_come_again(settings, open_client, picture):
    go_on = threading.Event()
    with open_client(replace(settings, limits=Limits(waiting=1))) as client:
        state = client.app.state.lamina
        assert client.get("/tasks").status_code == 200
        state.pictures.submit(go_on.wait)
        answer = predict(client, picture)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        go_on.set()


def test_temporary_files_go_away(settings, open_client, picture, volume, tiny, wait_for):
    with open_client(replace(settings, limits=Limits(kept_jobs=1))) as client:
        room = client.app.state.lamina.folder
        predict(client, picture)
        predict(client, b"broken")
        upload(client, tiny[2])
        assert list(room.iterdir()) == []
        for _ in range(2):
            job = predict(client, volume.read_bytes(), "scan.nii.gz").json()
            assert wait_for(client, job["id"])["state"] == "done"
        assert len(list(room.iterdir())) == 1
        assert not list(room.rglob("image.nii.gz"))
    assert not room.exists()


def test_a_model_that_can_not_be_loaded_is_told(settings, tmp_path, open_client):
    told = []
    app = create_app(replace(settings, weights=str(tmp_path / "none.pth")), told.append)
    from fastapi.testclient import TestClient

    with TestClient(app, base_url="http://127.0.0.1:5000") as client:
        client.get("/tasks")
        assert client.get("/health").json()["status"] == "failed"
    assert "none.pth: there are no weights" in str(told[0])


def test_pages_of_a_named_origin_may_ask_and_others_may_not(settings, open_client, picture):
    named = "https://viewer.example"
    with open_client(replace(settings, cors=(named, "null"))) as client:
        for origin in (named, "null"):
            headers = {"Origin": origin}
            answer = client.post("/predict", files={"file": ("a.png", picture)}, headers=headers)
            assert answer.headers["access-control-allow-origin"] == origin
            asked = {"Access-Control-Request-Method": "POST"} | headers
            assert client.options("/predict", headers=asked).status_code == 200
        refused = client.post("/revert_model", headers={"Origin": "https://evil.example"})
        assert refused.status_code == 403
        assert "access-control-allow-origin" not in refused.headers


def test_settings_without_cors_tell_no_origin(client):
    answer = client.get("/health", headers={"Origin": "http://127.0.0.1:5000"})
    assert "access-control-allow-origin" not in answer.headers
    assert Settings().cors == ()


def test_a_zipped_series_gets_a_dicom_seg_and_the_mask_of_lamina_predict(
    client, real_data, tmp_path, wait_for
):
    series = next(path.parent for path in (real_data / "hippocampus_dicom").rglob("*.dcm"))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for path in series.iterdir():
            archive.write(path, f"study/{path.name}")
    answer = predict(client, file.getvalue(), "series.zip", task="hippocampus_mr")
    told = wait_for(client, answer.json()["id"])
    assert told["state"] == "done", told["error"]
    assert {"series.nii.gz", "series.seg.dcm"} <= set(told["result"]["files"])
    mask = client.get(f"/jobs/{told['id']}/files/series.nii.gz").content
    released = ["--weights", "released", "-o", str(tmp_path)]
    assert main(["predict", "hippocampus_mr", str(series), *released]) == 0
    (expected,) = tmp_path.glob("*.nii.gz")
    stored = nib.Nifti1Image.from_bytes(gzip.decompress(mask))
    np.testing.assert_array_equal(np.asarray(stored.dataobj), nib.load(expected).get_fdata())
    seg = client.get(f"/jobs/{told['id']}/files/series.seg.dcm").content
    assert pydicom.dcmread(io.BytesIO(seg)).Modality == "SEG"


def test_an_x_ray_as_dicom_is_a_picture(client, write_dicom_picture):
    answer = predict(client, write_dicom_picture, "IM0001", format="dicomseg")
    assert answer.status_code == 200
    seg = pydicom.dcmread(io.BytesIO(answer.content))
    assert (seg.Modality, seg.Rows, seg.Columns) == ("SEG", 70, 96)


@pytest.fixture
def write_dicom_picture():
    """An X-ray of 96 columns and 70 rows as DICOM."""
    image = pydicom.dcmread(pydicom.data.get_testdata_file("CT_small.dcm"))
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    image.Modality = "CR"
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "FrameOfReferenceUID"):
        delattr(image, name)
    image.Rows, image.Columns = 70, 96
    image.PixelData = np.arange(70 * 96, dtype=np.int16).tobytes()
    file = io.BytesIO()
    image.save_as(file)
    return file.getvalue()
